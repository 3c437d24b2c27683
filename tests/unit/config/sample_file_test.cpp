// config/gritd.toml is the manual of the keys: it has to hold all of them, with the true defaults and reload classes.
#include <gmock/gmock.h>

#include <fstream>
#include <map>

#include "config_support.hpp"
#include "schema.hpp"

namespace grit::config {
namespace {

struct SampleKey {
    std::string path;
    std::string comment;
};

std::vector<SampleKey> keys_of_sample() {
    std::ifstream file(GRIT_SAMPLE_CONFIG);
    std::vector<SampleKey> keys;
    std::string table;
    std::string comment;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with('[')) {
            table = line.substr(1, line.find(']') - 1);
        } else if (line.starts_with('#')) {
            comment = line;
        } else if (!line.empty()) {
            keys.push_back({table + "." + line.substr(0, line.find(' ')), comment});
            comment.clear();
        }
    }
    return keys;
}

// Collects "Reload: ..." of every key, in order.
class ReloadList {
  public:
    void text(const Key& key, const auto&, Check) { add(key); }
    void texts(const Key& key, const auto&, Between<std::size_t>, Check) { add(key); }
    void flag(const Key& key, bool) { add(key); }
    void count(const Key& key, std::uint32_t, Between<std::uint32_t>) { add(key); }
    void number(const Key& key, double, Between<double>) { add(key); }
    void size(const Key& key, std::uint64_t, Between<std::uint64_t>) { add(key); }
    void duration(const Key& key, milliseconds, Between<milliseconds>) { add(key); }
    void durations(const Key& key, const auto&, Between<std::size_t>, Between<milliseconds>) { add(key); }
    void ports(const Key& key, const auto&) { add(key); }
    void volumes(const Key& key, const Storage&) { add(key); }
    void classes(const Key&, const Politeness&) {}  // Tables: the example of the file is another test's.
    void choice(const Key& key, auto, const auto&) { add(key); }

    std::vector<std::pair<std::string, std::string>> keys;  // Path, reload class.

  private:
    void add(const Key& key) {
        keys.emplace_back(std::string(key.table) + "." + std::string(key.name),
                          key.reload == Reload::live ? "Reload: live." : "Reload: restart.");
    }
};

TEST(SampleFile, HoldsTheDefaults) {
    const LoadResult result = load_config(GRIT_SAMPLE_CONFIG);
    ASSERT_EQ(result.index(), 0u) << std::get<1>(result).front().text();
    Config expected;
    expected.input.annotations = {"grit_coyo.jsonl"};
    expected.storage.root = "/srv/grit/images";
    expected.state.dir = "/var/lib/gritd/grit";
    EXPECT_EQ(std::get<0>(result), expected);
}

TEST(SampleFile, HoldsEveryKeyInOrderWithItsReloadClass) {
    ReloadList schema;
    const Config config;
    describe(config, schema);
    const auto sample = keys_of_sample();
    ASSERT_EQ(sample.size(), schema.keys.size());
    for (std::size_t i = 0; i < sample.size(); ++i) {
        EXPECT_EQ(sample[i].path, schema.keys[i].first);
        EXPECT_TRUE(sample[i].comment.ends_with(schema.keys[i].second)) << sample[i].path << ": " << sample[i].comment;
    }
}

}  // namespace
}  // namespace grit::config
