// The JSON form of a script: one table from key to setter.
#include <fmt/format.h>

#include <array>
#include <boost/json.hpp>
#include <functional>
#include <stdexcept>

#include "script.hpp"

namespace grit::testweb {
namespace {

namespace json = boost::json;

// A rule while it is read: HTTP keys fill `http`, those of a site's own files `robots` and `tdmrep`, and only what was
// spoken of is kept.
struct Draft {
    Rule rule;
    Behaviour http;
    Behaviour robots;
    Behaviour tdmrep;
    DnsBehaviour dns;
    bool has_http = false;
    bool has_robots = false;
    bool has_tdmrep = false;
    bool has_dns = false;
};

using Setter = void (*)(Draft&, const json::value&);
struct Key {
    std::string_view name;
    Setter set;
};

std::string text_of(const json::value& value) {
    return std::string(value.as_string());
}
double number_of(const json::value& value) {
    return value.to_number<double>();
}
std::chrono::milliseconds ms_of(const json::value& value) {
    return std::chrono::milliseconds(static_cast<std::int64_t>(number_of(value)));
}
std::chrono::milliseconds seconds_of(const json::value& value) {
    return std::chrono::milliseconds(static_cast<std::int64_t>(number_of(value) * 1000));
}

template <class Enum, std::size_t N>
Enum one_of(const json::value& value, const std::array<std::pair<std::string_view, Enum>, N>& names) {
    for (const auto& [name, meaning] : names) {
        if (value.as_string() == json::string_view(name.data(), name.size())) {
            return meaning;
        }
    }
    throw std::runtime_error(fmt::format("unknown value \"{}\"", text_of(value)));
}

// A header's value, or several headers of one name: a text, a number or a list of them.
void add_headers(Behaviour& behaviour, std::string_view name, const json::value& value) {
    if (value.is_array()) {
        for (const json::value& one : value.as_array()) {
            add_headers(behaviour, name, one);
        }
        return;
    }
    behaviour.headers.emplace_back(name, value.is_string() ? text_of(value) : json::serialize(value));
}

// "truncate": true is the half; a number is the part that is sent.
double part_of(const json::value& value) {
    return value.is_bool() ? (value.as_bool() ? 0.5 : 1.0) : number_of(value);
}

DnsBehaviour dns_answer_of(const json::value& value) {
    constexpr std::array<std::pair<std::string_view, DnsAnswer>, 6> kNames{{{"nxdomain", DnsAnswer::nxdomain},
                                                                            {"servfail", DnsAnswer::servfail},
                                                                            {"refused", DnsAnswer::refused},
                                                                            {"timeout", DnsAnswer::timeout},
                                                                            {"nodata", DnsAnswer::nodata},
                                                                            {"truncated", DnsAnswer::truncated}}};
    DnsBehaviour dns;
    if (value.is_array()) {
        for (const json::value& address : value.as_array()) {
            dns.addresses.push_back(text_of(address));
        }
        return dns;
    }
    const std::string text = text_of(value);
    if (text.find_first_of(".:") != std::string::npos) {
        dns.addresses.push_back(text);
    } else if (text != "default") {
        dns.answer = one_of(value, kNames);
    }
    return dns;
}

constexpr std::array<std::pair<std::string_view, Stall>, 3> kStalls{
    {{"handshake", Stall::handshake}, {"head", Stall::head}, {"body", Stall::body}}};
constexpr std::array<std::pair<std::string_view, BadCertificate>, 3> kCertificates{
    {{"wrong_name", BadCertificate::wrong_name},
     {"expired", BadCertificate::expired},
     {"self_signed", BadCertificate::self_signed}}};
constexpr std::array<std::pair<std::string_view, bool>, 2> kHostOrPath{{{"host", true}, {"path", false}}};
constexpr std::array<std::pair<std::string_view, bool>, 2> kHostOrUrl{{{"host", true}, {"url", false}}};

// When a rule applies.
constexpr std::array kConditionKeys{
    Key{"name", [](Draft& d, const json::value& v) { d.rule.name = text_of(v); }},
    Key{"host", [](Draft& d, const json::value& v) { d.rule.host = text_of(v); }},
    Key{"path", [](Draft& d, const json::value& v) { d.rule.path = text_of(v); }},
    Key{"fraction", [](Draft& d, const json::value& v) { d.rule.fraction = number_of(v); }},
    Key{"of", [](Draft& d, const json::value& v) { d.rule.fraction_of_hosts = one_of(v, kHostOrPath); }},
    Key{"first_n", [](Draft& d, const json::value& v) { d.rule.first_n = v.to_number<std::uint32_t>(); }},
    Key{"first_n_of", [](Draft& d, const json::value& v) { d.rule.first_n_of_host = one_of(v, kHostOrUrl); }},
    Key{"from_s", [](Draft& d, const json::value& v) { d.rule.from = seconds_of(v); }},
    Key{"until_s", [](Draft& d, const json::value& v) { d.rule.until = seconds_of(v); }},
    Key{"comment", [](Draft&, const json::value&) {}},
};

// What a rule does to DNS, TLS and the site's own files.
constexpr std::array kOtherLayerKeys{
    Key{"dns",
        [](Draft& d, const json::value& v) {
            const DnsBehaviour answer = dns_answer_of(v);
            d.dns.answer = answer.answer;
            d.dns.addresses = answer.addresses;
            d.has_dns = true;
        }},
    Key{"dns_delay_ms", [](Draft& d, const json::value& v) { d.dns.delay = ms_of(v), d.has_dns = true; }},
    Key{"dns_ttl",
        [](Draft& d, const json::value& v) { d.dns.ttl_seconds = v.to_number<std::uint32_t>(), d.has_dns = true; }},
    Key{"certificate", [](Draft& d, const json::value& v) { d.rule.certificate = one_of(v, kCertificates); }},
    Key{"robots", [](Draft& d, const json::value& v) { d.robots.body = text_of(v), d.has_robots = true; }},
    Key{"robots_status",
        [](Draft& d, const json::value& v) { d.robots.status = v.to_number<int>(), d.has_robots = true; }},
    Key{"tdmrep",
        [](Draft& d, const json::value& v) {
            d.tdmrep.body = v.is_string() ? text_of(v) : json::serialize(v);
            d.has_tdmrep = true;
        }},
    Key{"tdmrep_status",
        [](Draft& d, const json::value& v) { d.tdmrep.status = v.to_number<int>(), d.has_tdmrep = true; }},
};

// What a rule does to an HTTP answer.
constexpr std::array kHttpKeys{
    Key{"status", [](Draft& d, const json::value& v) { d.http.status = v.to_number<int>(); }},
    Key{"rate_limit",
        [](Draft& d, const json::value& v) {
            d.rule.rate_limit_per_second = number_of(v.as_object().at("per_second"));
            if (const json::value* burst = v.as_object().if_contains("burst")) {
                d.rule.rate_limit_burst = number_of(*burst);
            }
            if (d.http.status == 200) {
                d.http.status = 429;
            }
        }},
    Key{"retry_after",
        [](Draft& d, const json::value& v) { d.http.retry_after = v.is_string() ? text_of(v) : json::serialize(v); }},
    Key{"headers",
        [](Draft& d, const json::value& v) {
            for (const auto& [name, value] : v.as_object()) {
                add_headers(d.http, std::string_view(name.data(), name.size()), value);
            }
        }},
    Key{"x_robots_tag", [](Draft& d, const json::value& v) { add_headers(d.http, "X-Robots-Tag", v); }},
    Key{"tdm", [](Draft& d, const json::value& v) { add_headers(d.http, "tdm-reservation", v); }},
    Key{"delay_ms", [](Draft& d, const json::value& v) { d.http.delay = ms_of(v); }},
    Key{"drip", [](Draft& d, const json::value& v) { d.http.drip_bytes_per_second = v.to_number<std::uint32_t>(); }},
    Key{"truncate", [](Draft& d, const json::value& v) { d.http.truncate = part_of(v); }},
    Key{"image_cut", [](Draft& d, const json::value& v) { d.http.image_cut = part_of(v); }},
    Key{"reset", [](Draft& d, const json::value& v) { d.http.reset = v.as_bool(); }},
    Key{"redirect",
        [](Draft& d, const json::value& v) {
            const json::object& redirect = v.as_object();
            d.http.redirect_to = text_of(redirect.at("to"));
            d.http.status = redirect.contains("status") ? redirect.at("status").to_number<int>() : 302;
        }},
    Key{"html",
        [](Draft& d, const json::value& v) {
            d.http.body = v.is_string() ? text_of(v)
                                        : "<!doctype html><title>Not here</title><p>The page you want is elsewhere.\n";
            d.http.content_type = "text/html; charset=utf-8";
        }},
    Key{"body", [](Draft& d, const json::value& v) { d.http.body = text_of(v); }},
    Key{"content_type", [](Draft& d, const json::value& v) { d.http.content_type = text_of(v); }},
    Key{"empty",
        [](Draft& d, const json::value& v) {
            if (v.as_bool()) {
                d.http.body = "";
                d.http.content_type = "image/jpeg";
            }
        }},
    Key{"endless",
        [](Draft& d, const json::value& v) {
            d.http.endless = v.as_bool();
            d.http.framing = d.http.framing == Framing::length ? Framing::close : d.http.framing;
        }},
    Key{"chunked",
        [](Draft& d, const json::value& v) { d.http.framing = v.as_bool() ? Framing::chunked : Framing::length; }},
    Key{"no_length",
        [](Draft& d, const json::value& v) { d.http.framing = v.as_bool() ? Framing::close : Framing::length; }},
    Key{"connection_close", [](Draft& d, const json::value& v) { d.http.connection_close = v.as_bool(); }},
    Key{"silent_close", [](Draft& d, const json::value& v) { d.http.silent_close = v.as_bool(); }},
    Key{"wrong_length", [](Draft& d, const json::value& v) { d.http.wrong_length = v.to_number<std::int64_t>(); }},
};

template <std::size_t N>
bool set_from(const std::array<Key, N>& keys, Draft& draft, std::string_view name, const json::value& value) {
    for (const Key& key : keys) {
        if (key.name == name) {
            key.set(draft, value);
            return true;
        }
    }
    return false;
}

void set_key(Draft& draft, std::string_view name, const json::value& value) {
    if (name == "stall") {
        const Stall stall = one_of(value, kStalls);
        draft.rule.stall_handshake = stall == Stall::handshake;
        draft.http.stall = draft.rule.stall_handshake ? Stall::none : stall;
        draft.has_http = draft.has_http || !draft.rule.stall_handshake;
    } else if (set_from(kHttpKeys, draft, name, value)) {
        draft.has_http = true;
    } else if (!set_from(kConditionKeys, draft, name, value) && !set_from(kOtherLayerKeys, draft, name, value)) {
        throw std::runtime_error("unknown key");
    }
}

Rule rule_of(const json::object& object, std::size_t index) {
    Draft draft;
    draft.rule.name = fmt::format("rule{}", index);
    for (const auto& [name, value] : object) {
        try {
            set_key(draft, std::string_view(name.data(), name.size()), value);
        } catch (const std::exception& error) {
            throw std::runtime_error(fmt::format("script: rule {} (\"{}\"), key \"{}\": {}", index, draft.rule.name,
                                                 std::string_view(name.data(), name.size()), error.what()));
        }
    }
    if (draft.has_http) {
        draft.rule.http = std::move(draft.http);
    }
    if (draft.has_robots) {
        draft.robots.content_type = "text/plain; charset=utf-8";
        draft.rule.robots = std::move(draft.robots);
    }
    if (draft.has_tdmrep) {
        draft.tdmrep.content_type = "application/json";
        draft.rule.tdmrep = std::move(draft.tdmrep);
    }
    if (draft.has_dns) {
        draft.rule.dns = std::move(draft.dns);
    }
    return std::move(draft.rule);
}

}  // namespace

std::vector<Rule> parse_rules(std::string_view text) {
    json::error_code error;
    const json::value document = json::parse(json::string_view(text.data(), text.size()), error);
    if (error) {
        throw std::runtime_error("script: " + error.message());
    }
    const json::value* list = document.is_object() ? document.as_object().if_contains("rules") : &document;
    if (list == nullptr || !list->is_array()) {
        throw std::runtime_error("script: neither a list of rules nor {\"rules\": [...]}");
    }
    std::vector<Rule> rules;
    for (const json::value& rule : list->as_array()) {
        if (!rule.is_object()) {
            throw std::runtime_error(fmt::format("script: rule {} is no object", rules.size()));
        }
        rules.push_back(rule_of(rule.as_object(), rules.size()));
    }
    return rules;
}

}  // namespace grit::testweb
