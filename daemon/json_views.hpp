// Records, hosts and explanations as the control socket shows them: the shapes of docs/admin_api.md.
#pragma once

#include "grit/crawl/explanation.hpp"
#include "grit/crawl/longest_host.hpp"
#include "grit/frontier/host_view.hpp"
#include "grit/frontier/queue_search.hpp"
#include "grit/store/rows.hpp"

#include <boost/json/object.hpp>

#include <span>
#include <string_view>

namespace grit::daemon {

/// @param host  empty if it has none.
[[nodiscard]] boost::json::object record_json(const store::Record& record, std::string_view host);
/// A URL that has no record.
[[nodiscard]] boost::json::object queued_json(const frontier::QueuedLine& line, std::string_view host);
[[nodiscard]] boost::json::object host_json(const frontier::HostView& view);
[[nodiscard]] boost::json::object longest_host_json(const crawl::LongestHost& host);
/// @param reasons  from crawl::explain.
[[nodiscard]] boost::json::object explanation_json(const crawl::UrlFacts& facts, std::span<const crawl::Reason> reasons);

}  // namespace grit::daemon
