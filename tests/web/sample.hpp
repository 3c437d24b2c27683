// Annotation files shaped like GRIT-20M, of any size.
#pragma once

#include <cstdint>
#include <string>

namespace grit::testweb {

struct SampleOptions {
    std::string path;  ///< "-": standard output
    std::uint64_t annotations = 2500;
    std::uint64_t hosts = 300;  ///< each occurs, if there are at least twice as many annotations
    std::uint64_t seed = 1;
    double zipf = 0.8;       ///< the host of rank k has a share proportional to k^-zipf
    bool bad_lines = false;  ///< 0.5 % of the lines are damaged, in each of the ways annotation files are
};

/// What a sample holds. `annotations` = `distinct_urls` + `duplicate_urls` + `bad_lines` + `bad_urls`.
struct SampleSummary {
    std::uint64_t annotations = 0;
    std::uint64_t distinct_urls = 0;
    std::uint64_t duplicate_urls = 0;  ///< lines with a URL that an earlier line has, byte for byte
    std::uint64_t bad_lines = 0;       ///< no annotation can be read from them
    std::uint64_t bad_urls = 0;        ///< good JSON, but the URL is none that can be fetched
    std::uint64_t bytes = 0;
};

/// Writes the sample; the same options make the same bytes. Throws std::runtime_error if the file can not be written.
SampleSummary write_sample(const SampleOptions& options);

}  // namespace grit::testweb
