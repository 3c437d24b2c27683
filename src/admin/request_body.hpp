// The JSON bodies of POST requests, read strictly: a field that would be ignored is an error.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "grit/admin/backend.hpp"
#include "problem.hpp"

namespace grit::admin {

/// {"reason": "..."}; an empty body is an empty reason. At most 512 bytes of it.
[[nodiscard]] std::variant<std::string, Reply> parse_reason(std::string_view body);

/// {"level": "debug"}.
[[nodiscard]] std::variant<LogLevel, Reply> parse_log_level(std::string_view body);

/// {"outcomes": ["dns_failure", ...], "host": "...", "since": "2h", "dry_run": true}; all but `outcomes` may be left
/// out.
[[nodiscard]] std::variant<RetryFilter, Reply> parse_retry(std::string_view body);

/// {"kind": "domain", "value": "example.org", "reason": "..."}; all but `value` may be left out.
[[nodiscard]] std::variant<politeness::Block, Reply> parse_block_request(std::string_view body);

/// {"domain": "example.org", "reason": "...", "delete": true, "dry_run": true}; all but `domain` may be left out.
[[nodiscard]] std::variant<OptOutRequest, Reply> parse_opt_out(std::string_view body);

/// {"sample": 1000, "repair": true}; all may be left out.
[[nodiscard]] std::variant<VerifyRequest, Reply> parse_verify(std::string_view body);

/// {"dir": "/absolute/path"}.
[[nodiscard]] std::variant<BackupRequest, Reply> parse_backup(std::string_view body);
[[nodiscard]] std::variant<AdoptRequest, Reply> parse_adopt(std::string_view body);

/// {"volume": "b"}.
[[nodiscard]] std::variant<std::string, Reply> parse_volume(std::string_view body);

/// Nothing, or {}.
/// @return a 400 for anything else; a Reply of status 200 otherwise.
[[nodiscard]] Reply check_no_body(std::string_view body);

}  // namespace grit::admin
