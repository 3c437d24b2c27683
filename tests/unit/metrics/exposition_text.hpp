// Reads the Prometheus text format as far as tests need it.
#pragma once

#include <algorithm>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace grit::metrics::test {

struct Sample {
    std::string name;
    std::vector<std::pair<std::string, std::string>> labels;
    double value = 0;
};

struct Family {
    std::string name;
    std::string type;
    std::string help;
    std::vector<Sample> samples;
};

inline Sample sample_of(const std::string& line) {
    Sample sample;
    const std::size_t brace = line.find('{');
    const std::size_t value_at = line.rfind(' ');
    sample.name = line.substr(0, std::min(brace, value_at));
    sample.value = std::stod(line.substr(value_at + 1));
    std::size_t at = brace;
    while (at != std::string::npos && line[at] != '}') {
        const std::size_t equals = line.find("=\"", at);
        const std::size_t end = line.find('"', equals + 2);
        sample.labels.emplace_back(line.substr(at + 1, equals - at - 1), line.substr(equals + 2, end - equals - 2));
        at = end + 1;
    }
    return sample;
}

inline std::vector<Family> families_of(const std::string& text) {
    std::vector<Family> families;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("# HELP ")) {
            const std::size_t space = line.find(' ', 7);
            families.push_back({line.substr(7, space - 7), "", line.substr(space + 1), {}});
        } else if (line.starts_with("# TYPE ")) {
            families.back().type = line.substr(line.rfind(' ') + 1);
        } else if (!line.empty()) {
            families.back().samples.push_back(sample_of(line));
        }
    }
    return families;
}

/// Values by "name{label=value,...}" as the text writes them.
inline std::map<std::string, double> values_of(const std::string& text) {
    std::map<std::string, double> values;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (!line.empty() && line.front() != '#') {
            values[line.substr(0, line.rfind(' '))] = std::stod(line.substr(line.rfind(' ') + 1));
        }
    }
    return values;
}

}  // namespace grit::metrics::test
