// What a text value has to look like.
#pragma once

#include <optional>
#include <string>

namespace grit::config {

/// What is wrong with a value, to be read after the value itself ("is no CIDR ..."); nothing if it is fine.
using Complaint = std::optional<std::string>;
using Check = Complaint (*)(const std::string& value);

Complaint check_any_text(const std::string& value);
Complaint check_not_empty(const std::string& value);
Complaint check_path(const std::string& value);
Complaint check_input(const std::string& value);
/// RFC 9110 10.1.5: begins with product/version; by our own rule it also names a contact, "(+https://...)".
Complaint check_user_agent(const std::string& value);
/// One token (RFC 9110 5.6.2), since directives are compared with the parts of a comma-separated header.
Complaint check_directive(const std::string& value);
Complaint check_dns_server(const std::string& value);
/// As the URLs have it: lower case, international names as "xn--".
Complaint check_host(const std::string& value);
Complaint check_sha256(const std::string& value);
Complaint check_cidr(const std::string& value);
Complaint check_listen(const std::string& value);
/// Begins the locations of its images: never like a shard, a folder of ours or the name of the first one.
Complaint check_volume_name(const std::string& value);
Complaint check_class_name(const std::string& value);
/// A host name (RFC 1123 2.1, "_" too) in ASCII, in any case, with or without the dot at its end: what ends in a number
/// would be an address and has no suffixes.
Complaint check_suffix(const std::string& value);
/// sockaddr_un holds 108 bytes with the ending NUL (unix(7)).
Complaint check_socket_path(const std::string& value);

}  // namespace grit::config
