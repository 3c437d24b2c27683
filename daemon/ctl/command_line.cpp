#include "command_line.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "adopt_command.hpp"
#include "block_commands.hpp"
#include "control_commands.hpp"
#include "export_commands.hpp"
#include "grit/base/log.hpp"
#include "grit/base/outcome.hpp"
#include "grit/base/quantity.hpp"
#include "grit/base/version.hpp"
#include "job_commands.hpp"
#include "rebuild_command.hpp"
#include "suggest.hpp"
#include "text.hpp"
#include "volume_commands.hpp"
#include "watch.hpp"

namespace grit::ctl {
namespace {

constexpr const char* kDescription = R"(Looks after a running gritd over its control socket.

Examples:
  gritctl status
  gritctl retry --outcome dns_failure --since 2h --dry-run)";

constexpr const char* kFooter = R"(
Exit codes: 0 ok, 1 failed, 2 usage, 3 gritd is not running, 4 not found, 5 not permitted.)";

// Everything that options fill in.
struct Arguments {
    std::string socket = "/run/grit/grit.sock";
    std::string instance;
    bool json = false;
    std::string text;  // The command's own argument: a URL, a host, a level or a reason.
    std::string sort = "remaining";
    std::size_t limit = 20;
    std::string state;
    std::string interval = "30s";
    RetryRequest retry;
    std::vector<std::string> words;  // A kind and a value, or a value alone.
    std::string reason;
    OptOutCommand opt_out;
    VerifyCommand verify;
    BackupCommand backup;
    AdoptCommand adopt;
    std::string config;
    std::string format = "jsonl";
    ExportRequest exported;
};

using Action = std::function<Ended(const Client&, const Output&)>;

// A check for an option's value, with the reason to show.
CLI::Validator checked(const std::string& description, std::function<std::string(std::string&)> check) {
    return CLI::Validator(std::move(check), description);
}

std::string not_one_of(std::string_view what, const std::string& value, const std::vector<std::string>& known) {
    std::string text = fmt::format("\"{}\" is no {}", value, what);
    if (const auto near = nearest(value, known)) {
        return text + fmt::format(": did you mean \"{}\"?", *near);
    }
    text += "; there are:";
    for (const std::string& name : known) {
        text += " " + name;
    }
    return text;
}

CLI::Validator is_outcome() {
    return checked("OUTCOME", [](std::string& value) {
        if (const auto outcome = outcome_named(value)) {
            return disposition_of(*outcome) == Disposition::done
                       ? fmt::format("\"{}\" is no failure: what is stored is not asked again", value)
                       : std::string();
        }
        std::vector<std::string> known;
        for (const Outcome outcome : kAllOutcomes) {
            if (disposition_of(outcome) != Disposition::done) {
                known.emplace_back(name_of(outcome));
            }
        }
        return not_one_of("outcome", value, known);
    });
}

CLI::Validator one_of(const std::string& what, std::vector<std::string> known) {
    return checked("", [what, known = std::move(known)](std::string& value) {
        for (const std::string& name : known) {
            if (name == value) {
                return std::string();
            }
        }
        return not_one_of(what, value, known);
    });
}

CLI::Validator is_duration() {
    return checked("DURATION", [](std::string& value) {
        return parse_duration(value) ? std::string() : fmt::format("\"{}\" is no duration, such as 2h or 30m", value);
    });
}

CLI::Validator is_instance() {
    return checked("NAME", [](std::string& value) {
        const bool plain = !value.empty() && value[0] != '.' && value.find('/') == std::string::npos;
        return plain ? std::string() : fmt::format("\"{}\" can not be the name of an instance", value);
    });
}

class CommandLine {
  public:
    CommandLine() : app_(kDescription, "gritctl") {
        app_.footer(kFooter);
        app_.set_version_flag("--version",
                              fmt::format("gritctl {} ({}, {})", grit::version(), grit::commit(), grit::compiler()));
        app_.require_subcommand(1);
        app_.failure_message(CLI::FailureMessage::simple);
        auto* socket =
            app_.add_option("--socket", arguments_.socket, "Control socket of the daemon")->capture_default_str();
        app_.add_option("--instance", arguments_.instance, "The daemon of /run/grit/NAME.sock and /etc/gritd/NAME.toml")
            ->check(is_instance())
            ->excludes(socket);
        app_.add_flag("--json", arguments_.json, "Print one JSON document (watch: one per line)");
        add_questions();
        add_controls();
        add_blocks();
        add_jobs();
        add_adoption();
        add_exports();
    }

    int run(int argc, const char* const* argv, Output output) {
        try {
            app_.parse(argc, argv);
        } catch (const CLI::ParseError& error) {
            return explain(error, argc, argv, output);
        }
        output.json = arguments_.json;
        std::string socket = arguments_.socket;
        if (!arguments_.instance.empty()) {
            socket = fmt::format("/run/grit/{}.sock", arguments_.instance);
            arguments_.exported.instance_config = fmt::format("/etc/gritd/{}.toml", arguments_.instance);
        }
        const Ended ended = action_(Client(std::move(socket)), output);
        if (!ended) {
            return report(output, ended.error());
        }
        return static_cast<int>(ExitCode::ok);
    }

  private:
    CLI::App* add(CLI::App& parent, const std::string& name, const std::string& description, Action action) {
        CLI::App* command = parent.add_subcommand(name, description);
        command->fallthrough();  // --json and --socket may come behind the command as well.
        if (action) {
            command->callback([this, action = std::move(action)] { action_ = action; });
        }
        return command;
    }

    void add_questions() {
        add(app_, "status", "State, progress, rates, hosts and failures at one glance", show_status);
        auto* watch_command = add(app_, "watch", "Live progress until the daemon ends",
                                  [this](const Client& client, const Output& output) {
                                      return watch(client, output, *parse_duration(arguments_.interval));
                                  });
        watch_command->add_option("--interval", arguments_.interval, "Between two lines when the output is no terminal")
            ->check(is_duration())
            ->capture_default_str();
        auto* hosts = add(app_, "hosts", "The hosts with the most of something",
                          [this](const Client& client, const Output& output) {
                              return show_hosts(client, output, arguments_.sort, arguments_.limit, arguments_.state);
                          });
        hosts->add_option("--sort", arguments_.sort, "By remaining, eta, errors, pace (slowest first) or stored")
            ->check(one_of("order", {"remaining", "eta", "errors", "pace", "stored"}))
            ->capture_default_str();
        hosts->add_option("--limit", arguments_.limit, "At most so many")
            ->check(CLI::Range(1, 10'000))
            ->capture_default_str();
        hosts->add_option("--state", arguments_.state, "Only those that are finished, ready, active, parked, site, domain, "
                                                       "backoff or down")
            ->check(one_of("state", {"finished", "ready", "active", "parked", "site", "domain", "backoff", "down"}));
        add_question("host", "NAME", "One host: its queue, pace and failures", show_host);
        add_question("record", "URL", "All that is known of one URL", show_record);
        add_question("explain", "URL", "Why a URL is not being fetched now, and when it may be", show_explanation);
        add_volumes();
        add(app_, "stats", "Statistics of the dataset", show_stats);
        add(app_, "version", "Versions of gritctl and of the running daemon", show_version);
    }

    void add_volumes() {
        auto* volumes = add(app_, "volumes", "The image volumes: their space, and which are out and why", nullptr);
        volumes->require_subcommand(0, 1);
        // Called after the callback of a command below it.
        volumes->callback([this, volumes] { action_ = volumes->get_subcommands().empty() ? Action(show_volumes) : action_; });
        auto* lost = add(*volumes, "lost", "A volume that is out does not come back: ask again for all that it held",
                         [this](const Client& client, const Output& output) {
                             return give_up_volume(client, output, arguments_.text, arguments_.config);
                         });
        lost->add_option("NAME", arguments_.text)->required();
        lost->add_option("--config", arguments_.config, "Config of the dataset, whose gritd does not start for want of it");
    }

    void add_question(const std::string& name, const std::string& argument, const std::string& description,
                      Ended (*question)(const Client&, const Output&, const std::string&)) {
        add(app_, name, description,
            [this, question](const Client& client, const Output& output) {
                return question(client, output, arguments_.text);
            })
            ->add_option(argument, arguments_.text)
            ->required();
    }

    void add_controls() {
        add(app_, "pause", "Begin nothing new; fetches in flight end by themselves",
            [this](const Client& client, const Output& output) { return pause(client, output, arguments_.text); })
            ->add_option("REASON", arguments_.text, "Shown by status");
        add(app_, "resume", "Go on after a pause", resume);
        add(app_, "drain", "Begin nothing new and end the daemon when nothing is in flight", drain);
        add(app_, "stop", "End the daemon", stop);
        add(app_, "reload", "Read the config file again", reload);
        add(app_, "log-level", "Change what is logged, until the next start",
            [this](const Client& client, const Output& output) {
                return set_log_level(client, output, arguments_.text);
            })
            ->add_option("LEVEL", arguments_.text, "debug, info, warning or error")
            ->check(one_of("level", {"debug", "info", "warning", "error"}))
            ->required();
        auto* again =
            add(app_, "retry", "Ask again what failed in a certain way",
                [this](const Client& client, const Output& output) { return retry(client, output, arguments_.retry); });
        again->add_option("--outcome", arguments_.retry.outcomes, "Records with these outcomes: X,Y or several times")
            ->delimiter(',')
            ->check(is_outcome())
            ->required();
        again->add_option("--host", arguments_.retry.host, "Only of this host");
        again->add_option("--since", arguments_.retry.since, "Only those that failed within this time, such as 2h")
            ->check(is_duration());
        again->add_flag("--dry-run", arguments_.retry.dry_run, "Count them only");
    }

    void add_blocks() {
        auto* block_command = add(app_, "block", "Ask no more of a host, domain, CIDR or URL pattern",
                                  [this](const Client& client, const Output& output) {
                                      return block(client, output, arguments_.words, arguments_.reason);
                                  });
        auto* unblock_command = add(app_, "unblock", "Take a block back; what it had ended is asked again",
                                    [this](const Client& client, const Output& output) {
                                        return unblock(client, output, arguments_.words);
                                    });
        for (CLI::App* command : {block_command, unblock_command}) {
            command->add_option("WHAT", arguments_.words, "[host|domain|cidr|pattern] VALUE")->required()->expected(1, 2);
        }
        block_command->add_option("--reason", arguments_.reason, "Kept with it, and in the records that it ends");
        add(app_, "blocks", "What is blocked, since when and why", show_blocks);
        OptOutCommand& wanted = arguments_.opt_out;
        auto* out = add(app_, "optout", "Block a domain, list what is stored from it, and delete that if asked to",
                        [&wanted](const Client& client, const Output& output) { return opt_out(client, output, wanted); });
        out->add_option("DOMAIN", wanted.domain, "The domain, with all hosts below it")->required();
        out->add_option("--reason", wanted.reason, "Kept in the ledger");
        out->add_flag("--delete", wanted.erase, "Delete its images and their entries in url_to_path");
        out->add_flag("--dry-run", wanted.dry_run, "Only list; block and delete nothing");
    }

    void add_adoption() {
        AdoptCommand& adopted = arguments_.adopt;
        auto* take_over = add(app_, "adopt", "Take over what img2dataset has fetched, instead of asking for it again; alone: how far that is",
                              [this, &adopted](const Client& client, const Output& output) {
                                  if (adopted.config.empty()) {
                                      adopted.config = arguments_.exported.instance_config;
                                  }
                                  return adopt(client, output, adopted);
                              });
        auto* folder = take_over->add_option("DIR", adopted.folder, "Its output folder, of layout files or webdataset");
        auto* failures = take_over->add_option("--failures", adopted.failures,
                                               "JSON lines that img2dataset-failures has made of its parquet files");
        auto* no_links = take_over->add_flag("--no-hard-links", adopted.no_hard_links,
                                             "No image becomes another name of its file there: it shares its blocks, or is copied");
        failures->needs(folder);
        no_links->needs(folder);
        auto* waiting = take_over->add_flag("--waiting", adopted.waiting,
                                            "List the shards of old folders that are still needed, of --config (or --instance NAME)");
        take_over->add_option("--config", adopted.config, "Config of the dataset")->needs(waiting);
        auto* forget = take_over->add_flag("--forget", adopted.forget, "Give up what was noted and waits for its URLs");
        take_over->add_flag("--force", adopted.force, "Even while URLs are left that it may be for")->needs(forget);
        auto* stop = take_over->add_flag("--stop", adopted.stop, "End the one under way");
        for (auto* one : {folder, waiting, forget, stop}) {
            for (auto* other : {folder, waiting, forget, stop}) {
                if (one != other) {
                    one->excludes(other);
                }
            }
        }
    }

    void add_jobs() {
        VerifyCommand& verified = arguments_.verify;
        auto* again = add(app_, "verify", "Read the images again and hold them against their records",
                          [&verified](const Client& client, const Output& output) { return verify(client, output, verified); });
        auto* sample = again->add_option("--sample", verified.sample, "Only so many, drawn by lot")->check(CLI::Range(1, 1'000'000));
        auto* repair = again->add_flag("--repair", verified.repair, "What is broken leaves the dataset and is asked for again");
        again->add_flag("--stop", verified.stop, "End the one under way")->excludes(sample)->excludes(repair);
        BackupCommand& backed_up = arguments_.backup;
        auto* copy = add(app_, "backup", "Copy the state into a folder of its own, beside the running crawl",
                         [&backed_up](const Client& client, const Output& output) {
                             if (backed_up.folder.empty() && !backed_up.stop) {
                                 return Ended(Failure{ExitCode::usage, "DIR is required", "gritctl backup --help tells more"});
                             }
                             return backup(client, output, backed_up);
                         });
        auto* folder = copy->add_option("DIR", backed_up.folder, "New, or empty; on another disk, best");
        copy->add_option("--config", backed_up.config, "Config of the dataset: no daemon is needed then");
        copy->add_flag("--stop", backed_up.stop, "End the one under way")->excludes(folder);
        auto* anew = add(app_, "rebuild", "Make a lost state anew of the outcome journal, images and sidecars; gritd must not run",
                         [this](const Client& /*client*/, const Output& output) {
                             const std::string& config = arguments_.config.empty() ? arguments_.exported.instance_config : arguments_.config;
                             return rebuild(output, config, arguments_.words);
                         });
        anew->add_option("--config", arguments_.config, "Config of the dataset (or --instance NAME)");
        anew->add_option("--lost", arguments_.words, "A volume that is gone for good: what it held is asked for again");
        add(app_, "compact", "Write the state anew without its free pages; gritd must not run",
            [this](const Client& /*client*/, const Output& output) {
                return compact(output, arguments_.config.empty() ? arguments_.exported.instance_config : arguments_.config);
            })
            ->add_option("--config", arguments_.config, "Config of the dataset (or --instance NAME)");
    }

    void add_exports() {
        auto* exports = add(app_, "export", "Write what is known into a file", nullptr);
        exports->require_subcommand(1);
        auto* map = add(*exports, "url-to-path", "Where the image of each URL lies",
                        [this](const Client& client, const Output& output) {
                            arguments_.exported.format = *dataset::format_named(arguments_.format);
                            return export_url_to_path(client, output, arguments_.exported);
                        });
        map->add_option("--format", arguments_.format, "json (image_url_to_path.json), csv or jsonl")
            ->check(one_of("format", {"json", "csv", "jsonl"}))
            ->capture_default_str();
        auto* list = add(*exports, "url-list", "url_list.csv: url and image_id of every annotation",
                         [this](const Client& client, const Output& output) {
                             return export_url_list(client, output, arguments_.exported);
                         });
        list->add_option("--id-field", arguments_.exported.id_field, "Field of the annotations with the image id")
            ->capture_default_str();
        for (CLI::App* command : {map, list}) {
            command->add_option("-o,--output", arguments_.exported.file, "File to write; - is standard output")
                ->required();
            command->add_option("--config", arguments_.exported.config,
                                "Config of the dataset: no daemon is needed then");
        }
    }

    // CLI11's own codes are above 100; the contract is 0 for help and 2 for usage.
    int explain(const CLI::ParseError& error, int argc, const char* const* argv, const Output& output) {
        if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
            return app_.exit(error, output.out, output.err);  // --help and --version
        }
        const std::string unknown = unknown_command(argc, argv);
        if (unknown.empty()) {
            return report(output, {ExitCode::usage, error.what(), "gritctl --help tells how it is used"});
        }
        std::string what = fmt::format("there is no command \"{}\"", unknown);
        if (const auto near = nearest(unknown, names_in(app_))) {
            what += fmt::format(": did you mean \"{}\"?", *near);
        }
        return report(output, {ExitCode::usage, what, "gritctl --help lists the commands"});
    }

    static std::vector<std::string> names_in(const CLI::App& app) {
        std::vector<std::string> names;
        for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
            names.push_back(command->get_name());
        }
        return names;
    }

    // The first word that stands where a command should and is none; empty if the command is not what was wrong.
    std::string unknown_command(int argc, const char* const* argv) const {
        const auto known = names_in(app_);
        for (int i = 1; i < argc; ++i) {
            const std::string word = argv[i];
            if (word == "--socket" || word == "--instance") {
                ++i;
            } else if (!word.starts_with('-')) {
                return std::find(known.begin(), known.end(), word) == known.end() ? word : std::string();
            }
        }
        return {};
    }

    CLI::App app_;
    Arguments arguments_;
    Action action_;
};

}  // namespace

int run(int argc, const char* const* argv, Output output) {
    const int code = CommandLine().run(argc, argv, output);
    output.out.flush();
    if (code == 0 && !output.out) {
        return report(output, {ExitCode::failed, "can not write to standard output", {}});
    }
    return code;
}

}  // namespace grit::ctl
