#include "spelling.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "scratch.hpp"

namespace grit::dataset {
namespace {

using test::python;
using test::ScratchFolder;

// Every ASCII character, every kind of UTF-8, and what csv and json care about.
std::vector<std::string> nasty_texts() {
    std::vector<std::string> texts{"",
                                   "plain",
                                   "a,b",
                                   "\"",
                                   "say \"hi\"",
                                   "a\\b",
                                   "line\nfeed",
                                   "cr\r",
                                   "\r\n",
                                   " lead",
                                   "trail ",
                                   "tab\there",
                                   "'",
                                   "\x7f",
                                   "é",
                                   "\xe2\x80\xa8",
                                   "\xf0\x9f\x98\x80 and more",
                                   "</script>",
                                   "=1+1",
                                   "&amp;"};
    for (int c = 0; c < 128; ++c) {
        texts.push_back("x" + std::string(1, static_cast<char>(c)) + "y");
    }
    return texts;
}

// The texts as a Python list of str: written as bytes, so that no escaping of ours is trusted.
std::string python_list(const std::vector<std::string>& texts) {
    std::string list = "import csv, io, json, sys\ntexts = [";
    for (const auto& text : texts) {
        list += "bytes([";
        for (const char c : text) {
            list += std::to_string(static_cast<unsigned char>(c)) + ",";
        }
        list += "]).decode(), ";
    }
    return list + "]\nout = io.StringIO(newline='')\n";
}

TEST(ExportSpelling, JsonStringsArePythons) {
    const ScratchFolder folder;
    const auto texts = nasty_texts();
    std::string ours = "[";
    for (const auto& text : texts) {
        ours += ours.size() == 1 ? "" : ", ";
        append_json_string(ours, text);
    }
    ours += "]";
    EXPECT_EQ(ours, python(folder, python_list(texts) + "json.dump(texts, out, ensure_ascii=False)\n"
                                                        "sys.stdout.buffer.write(out.getvalue().encode())\n"));
}

TEST(ExportSpelling, CsvRowsArePythons) {
    const ScratchFolder folder;
    const auto texts = nasty_texts();
    std::string ours;
    for (const auto& text : texts) {
        append_csv_row(ours, text, "7");
        append_csv_row(ours, "u", text);
    }
    EXPECT_EQ(ours, python(folder, python_list(texts) +
                                       "w = csv.writer(out)\n"
                                       "for t in texts:\n    w.writerow([t, '7'])\n    w.writerow(['u', t])\n"
                                       "sys.stdout.buffer.write(out.getvalue().encode())\n"));
}

}  // namespace
}  // namespace grit::dataset
