#include "export_commands.hpp"

#include <fmt/format.h>

#include <optional>
#include <ostream>
#include <utility>

#include "grit/base/quantity.hpp"
#include "grit/dataset/atomic_file.hpp"
#include "local_dataset.hpp"
#include "text.hpp"

namespace grit::ctl {
namespace {

// The daemon's answer as a source; remembers why it broke off.
class DaemonSource final : public dataset::ExportSource {
  public:
    explicit DaemonSource(std::unique_ptr<ReplyStream> stream) : stream_(std::move(stream)) {}

    Checked<bool> next(std::string& chunk) override {
        auto more = stream_->next(chunk);
        if (!more) {
            failure_ = more.error();
            return Problem{failure_->what};
        }
        return *more;
    }
    [[nodiscard]] const std::optional<Failure>& failure() const noexcept { return failure_; }

  private:
    std::unique_ptr<ReplyStream> stream_;
    std::optional<Failure> failure_;
};

// Messages go to standard error: standard output may be the export itself.
Ended written(const Output& output, const ExportRequest& request, const Checked<std::uint64_t>& bytes,
              std::string_view rows) {
    if (!bytes) {
        const std::string kept = request.file == "-" ? "" : fmt::format("{} was not touched", request.file);
        return Failure{ExitCode::failed, bytes.error().what, kept};
    }
    if (request.file != "-") {
        output.err << fmt::format("{}: {}{}\n", request.file, rows, format_byte_size(*bytes));
    }
    return {};
}

Ended export_locally(const Output& output, const ExportRequest& request, const std::string& config) {
    auto local = open_url_to_path(config, request.format);
    if (!local) {
        return local.error();
    }
    const auto bytes = dataset::write_export(*local->source, request.file);
    if (const auto unresolved = local->source->unresolved(); bytes && unresolved > 0) {
        output.err << fmt::format("gritctl: left out: {} URLs of over 500 bytes whose text the state does not hold\n",
                                  unresolved);
    }
    return written(output, request, bytes, grouped(local->source->rows()) + " rows, ");
}

}  // namespace

Ended export_url_to_path(const Client& client, const Output& output, const ExportRequest& request) {
    if (!request.config.empty()) {
        return export_locally(output, request, request.config);
    }
    auto stream = client.stream(fmt::format("/v1/export/url-to-path?format={}", dataset::name_of(request.format)));
    if (!stream && stream.error().code == ExitCode::not_running && !request.instance_config.empty()) {
        return export_locally(output, request, request.instance_config);
    }
    if (!stream) {
        Failure failure = stream.error();
        if (failure.code == ExitCode::not_running) {
            failure.hint = "start it, or export without it: --config FILE names the dataset's config";
        }
        return failure;
    }
    DaemonSource source(std::move(*stream));
    const auto bytes = dataset::write_export(source, request.file);
    if (source.failure()) {
        return *source.failure();
    }
    return written(output, request, bytes, {});
}

Ended export_url_list(const Client& client, const Output& output, const ExportRequest& request) {
    std::string config = request.config.empty() ? request.instance_config : request.config;
    if (config.empty()) {
        const auto status = client.get("/v1/status");
        if (!status || !status->is_object()) {
            Failure failure =
                status ? Failure{ExitCode::failed, "gritd's answer is no JSON object", {}} : status.error();
            failure.hint = "name the dataset's config with --config FILE: no daemon is needed then";
            return failure;
        }
        config = text_of(member(status->get_object(), "config", "file"));
    }
    auto source = open_url_list(config, request.id_field);
    if (!source) {
        return source.error();
    }
    const auto bytes = dataset::write_export(**source, request.file);
    if (bytes && (*source)->left_out() > 0) {
        output.err << fmt::format("gritctl: left out: {} lines that can not be used, the first is {}\n",
                                  grouped((*source)->left_out()), printable((*source)->first_left_out()));
    }
    return written(output, request, bytes, grouped((*source)->rows()) + " rows, ");
}

}  // namespace grit::ctl
