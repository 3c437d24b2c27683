// Config back to text: the whole of it, what a reload can not change, and what is odd about it.
#include <fmt/format.h>

#include <algorithm>

#include "grit/config/load.hpp"
#include "schema.hpp"
#include "spelling.hpp"

namespace grit::config {
namespace {

struct WrittenKey {
    Key key;
    std::string value;  // As TOML.
    bool is_tables = false;  // The value is whole tables, with their heads.
};

// A visitor of `describe` that spells every value.
class Writer {
  public:
    void text(const Key& key, const std::string& value, Check) { add(key, quoted(value)); }
    void texts(const Key& key, const std::vector<std::string>& values, Between<std::size_t>, Check) {
        add(key, list_of(values, [](const std::string& value) { return quoted(value); }));
    }
    void flag(const Key& key, bool value) { add(key, value ? "true" : "false"); }
    void count(const Key& key, std::uint32_t value, Between<std::uint32_t>) { add(key, fmt::format("{}", value)); }
    void number(const Key& key, double value, Between<double>) { add(key, fmt::format("{}", value)); }
    void size(const Key& key, std::uint64_t value, Between<std::uint64_t>) { add(key, quoted(spell_size(value))); }
    void duration(const Key& key, milliseconds value, Between<milliseconds>) {
        add(key, quoted(spell_duration(value)));
    }
    void durations(const Key& key, const std::vector<milliseconds>& values, Between<std::size_t>,
                   Between<milliseconds>) {
        add(key, list_of(values, [](milliseconds value) { return quoted(spell_duration(value)); }));
    }
    void ports(const Key& key, const std::map<std::uint16_t, std::uint16_t>& ports) {
        std::string out;
        for (const auto& [from, to] : ports) {
            out += fmt::format(R"({} "{}" = {})", out.empty() ? "" : ",", from, to);
        }
        add(key, out.empty() ? "{}" : fmt::format("{{{} }}", out));
    }
    void volumes(const Key& key, const Storage& storage) {
        std::string out;
        for (const auto& [name, root] : storage.volumes) {
            out += fmt::format("{} {} = {}", out.empty() ? "" : ",", name, quoted(root));
        }
        add(key, out.empty() ? "{}" : fmt::format("{{{} }}", out));
    }
    template <class T, std::size_t N>
    void choice(const Key& key, T value, const std::array<T, N>&) {
        add(key, quoted(name_of(value)));
    }

    void maybe_count(const Key& key, const std::optional<std::uint32_t>& value, Between<std::uint32_t> range) {
        if (value) {
            count(key, *value, range);
        }
    }
    void maybe_duration(const Key& key, const std::optional<milliseconds>& value, Between<milliseconds> range) {
        if (value) {
            duration(key, *value, range);
        }
    }
    void classes(const Key& key, const Politeness& politeness) {
        std::string out;
        for (const HostClass& host_class : politeness.classes) {
            Writer writer;
            describe_class(host_class, writer);
            out += fmt::format("\n[[{}.{}]]\n", key.table, key.name);
            for (const WrittenKey& written : writer.written()) {
                out += fmt::format("{} = {}\n", written.key.name, written.value);
            }
        }
        written_.push_back({key, std::move(out), true});
    }

    [[nodiscard]] const std::vector<WrittenKey>& written() const { return written_; }

  private:
    void add(const Key& key, std::string value) { written_.push_back({key, std::move(value), false}); }
    template <class T, class Spell>
    static std::string list_of(const std::vector<T>& values, Spell spell) {
        std::string out;
        for (const T& value : values) {
            out += fmt::format("{}{}", out.empty() ? "" : ", ", spell(value));
        }
        return fmt::format("[{}]", out);
    }

    std::vector<WrittenKey> written_;
};

std::vector<WrittenKey> written_of(const Config& config) {
    Writer writer;
    describe(config, writer);
    return writer.written();
}

}  // namespace

std::string_view name_of(Layout layout) noexcept {
    switch (layout) {
        case Layout::webdataset:
            return "webdataset";
        case Layout::img2dataset:
            return "img2dataset";
        case Layout::files:
            break;
    }
    return "files";
}

std::string effective_toml(const Config& config) {
    std::string out;
    std::string_view table;
    for (const auto& [key, value, is_tables] : written_of(config)) {
        if (key.table != table) {
            out += fmt::format("{}[{}]\n", out.empty() ? "" : "\n", key.table);
            table = key.table;
        }
        out += is_tables ? value : fmt::format("{} = {}\n", key.name, value);
    }
    return out;
}

std::vector<std::string> restart_only_changes(const Config& old_config, const Config& new_config) {
    const auto before = written_of(old_config);
    const auto after = written_of(new_config);
    std::vector<std::string> changed;
    for (std::size_t i = 0; i < before.size(); ++i) {
        if (before[i].key.reload == Reload::restart && before[i].value != after[i].value) {
            changed.push_back(fmt::format("{}.{}", before[i].key.table, before[i].key.name));
        }
    }
    return changed;
}

std::vector<std::string> warnings_about(const Config& config) {
    std::vector<std::string> out;
    const auto warn_if = [&out](bool odd, const char* sentence) {
        if (odd) {
            out.emplace_back(sentence);
        }
    };
    warn_if(config.fetch.user_agent.find("//example.") != std::string::npos,
            "fetch.user_agent names example.org as its contact: a site can not reach you");
    warn_if(!config.politeness.robots, "politeness.robots is off: robots.txt is neither asked for nor obeyed");
    warn_if(config.politeness.disallowed_directives.empty(),
            "politeness.disallowed_directives is empty: X-Robots-Tag opts no image out");
    warn_if(!config.politeness.tdm_reservation,
            "politeness.tdm_reservation is off: reservations of rights in an image's head are not honoured");
    warn_if(!config.politeness.tdmrep, "politeness.tdmrep is off: tdmrep.json is neither asked for nor obeyed");
    warn_if(config.politeness.min_interval == milliseconds(0),
            "politeness.min_interval is 0: a host has no pace limit");
    warn_if(std::any_of(config.politeness.classes.begin(), config.politeness.classes.end(),
                        [](const HostClass& c) { return c.min_interval == milliseconds(0); }),
            "min_interval of a politeness.class is 0: its hosts have no pace limit");
    warn_if(!config.tls.verify, "tls.verify is off: certificates are not checked");
    warn_if(!config.tls.waivers.empty(), "tls.waivers lets certificates of some hosts pass: their records say so");
    warn_if(!config.network.allow.empty(), "network.allow opens private addresses to URLs of the annotations");
    warn_if(!config.network.port_map.empty(), "network.port_map is set: connections go to other ports than URLs say");
    warn_if(config.storage.min_free == 0, "storage.min_free is 0: the crawl may fill the volume");
    return out;
}

}  // namespace grit::config
