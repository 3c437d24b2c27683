// docs/metrics.md is what operators read: its table has to be what the code exposes, row by row.
#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>

#include "exposition_text.hpp"
#include "grit/metrics/metrics.hpp"

namespace grit::metrics {
namespace {

// "`state`: pending, active", labels in the order of the text; "" without labels. What differs from build to build
// has its key alone.
std::string labels_of(const test::Family& family) {
    std::vector<std::pair<std::string, std::vector<std::string>>> labels;
    for (const auto& sample : family.samples) {
        for (const auto& [key, value] : sample.labels) {
            if (key == "le") {
                continue;
            }
            auto label = std::find_if(labels.begin(), labels.end(), [&](const auto& l) { return l.first == key; });
            if (label == labels.end()) {
                label = labels.insert(labels.end(), {key, {}});
            }
            if (std::find(label->second.begin(), label->second.end(), value) == label->second.end()) {
                label->second.push_back(value);
            }
        }
    }
    std::string out;
    for (const auto& [key, values] : labels) {
        out += (out.empty() ? "`" : "; `") + key + "`";
        for (std::size_t i = 0; family.name != "gritd_build_info" && i < values.size(); ++i) {
            out += (i == 0 ? ": " : ", ") + values[i];
        }
    }
    return out;
}

std::vector<std::string> rows_of_code() {
    const Metrics metrics(WallTime(std::chrono::milliseconds(0)));
    std::vector<std::string> rows;
    for (const auto& family : test::families_of(metrics.text())) {
        const std::string labels = labels_of(family);
        rows.push_back("| `" + family.name + "` | " + family.type + " | " + labels + (labels.empty() ? "| " : " | ") +
                       family.help + " |");
    }
    return rows;
}

std::vector<std::string> rows_of_document() {
    std::ifstream file(GRIT_METRICS_DOCUMENT);
    std::vector<std::string> rows;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("| `gritd_") || line.starts_with("| `process_")) {
            rows.push_back(line);
        }
    }
    return rows;
}

TEST(MetricsDocument, HasEveryFamilyAsItIs) {
    EXPECT_THAT(rows_of_document(), testing::UnorderedElementsAreArray(rows_of_code()));
}

}  // namespace
}  // namespace grit::metrics
