// docs/fetch.md names a test for each behaviour: they are there.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

namespace grit::net::test {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void add_matches(const std::string& text, const char* pattern, std::set<std::string>& into) {
    const std::regex regex(pattern);
    for (std::sregex_iterator match(text.begin(), text.end(), regex); match != std::sregex_iterator(); ++match) {
        into.insert((*match)[1].str() + (match->size() > 2 ? "." + (*match)[2].str() : ""));
    }
}

// "Suite.Case" of every unit test, "Outcomes.name" of the integration tests' table.
std::set<std::string> tests_that_exist() {
    const fs::path root = fs::path(GRIT_SOURCE_DIR) / "tests";
    std::set<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(root / "unit")) {
        if (entry.path().extension() == ".cpp") {
            add_matches(text_of(entry.path()), R"(TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\))", found);
        }
    }
    std::set<std::string> behaviours;
    const std::string outcomes = text_of(root / "integration" / "test_outcomes.py");
    add_matches(outcomes, R"re((?:Behaviour|redirect)\(\s*"(\w+)")re", behaviours);
    add_matches(outcomes, R"re(\bdef (test_\w+))re", behaviours);
    for (const std::string kind : {"status", "moved"}) {
        std::set<std::string> codes;
        add_matches(outcomes, (R"(\b)" + kind + R"(\((\d+)[,)])").c_str(), codes);
        for (const std::string& code : codes) {
            behaviours.insert(kind + code);
        }
    }
    for (const std::string& name : behaviours) {
        found.insert("Outcomes." + name);
    }
    return found;
}

TEST(FetchDocument, EveryTestThatItNamesExists) {
    const std::string document = text_of(fs::path(GRIT_SOURCE_DIR) / "docs" / "fetch.md");
    std::set<std::string> named;
    add_matches(document, R"(`([A-Z]\w+)\.([A-Za-z_]\w+)`)", named);
    const std::set<std::string> existing = tests_that_exist();
    EXPECT_GT(named.size(), 50U);
    EXPECT_GT(existing.size(), 100U);
    for (const std::string& name : named) {
        EXPECT_TRUE(existing.contains(name)) << name;
    }
}

TEST(FetchDocument, EachRowHasATestOrSaysThatThereIsNone) {
    std::ifstream document(fs::path(GRIT_SOURCE_DIR) / "docs" / "fetch.md");
    int rows = 0;
    for (std::string line; std::getline(document, line);) {
        // behaviour | outcome | limit | test
        if (line.starts_with("| ") && std::count(line.begin(), line.end(), '|') == 5) {
            ++rows;
            const std::string test = line.substr(line.rfind('|', line.size() - 2));
            EXPECT_TRUE(test.find('`') != std::string::npos || test == "| none |" || test == "| test |") << line;
        }
    }
    EXPECT_GT(rows, 50);
}

}  // namespace
}  // namespace grit::net::test
