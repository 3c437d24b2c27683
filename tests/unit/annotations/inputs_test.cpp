#include "grit/annotations/inputs.hpp"

#include <gmock/gmock.h>

#include "annotations_support.hpp"

namespace grit::annotations {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Inputs : public ::testing::Test {
  protected:
    std::vector<std::string> expanded(std::vector<std::string> patterns) {
        for (std::string& pattern : patterns) {
            pattern = pattern == "-" ? pattern : folder_.path(pattern);
        }
        auto inputs = expand_inputs(patterns);
        if (!inputs) {
            return {"<" + inputs.error().what + ">"};
        }
        for (std::string& input : *inputs) {
            input = input.substr(input.rfind('/') + 1);
        }
        return *inputs;
    }

    TemporaryFolder folder_;
};

TEST_F(Inputs, GlobsAreSortedAndPatternsKeepTheirOrder) {
    for (const char* name : {"b2.jsonl", "b10.jsonl", "B1.jsonl", "a.txt"}) {
        folder_.write(name, "");
    }
    EXPECT_THAT(expanded({"b*.jsonl", "a.txt", "-"}), ElementsAre("b10.jsonl", "b2.jsonl", "a.txt", "-"));
    EXPECT_THAT(expanded({"a.txt", "[bB]?.jsonl"}), ElementsAre("a.txt", "B1.jsonl", "b2.jsonl"));
}

TEST_F(Inputs, APathThatComesTwiceCountsOnce) {
    folder_.write("a.jsonl", "");
    folder_.write("b.jsonl", "");
    EXPECT_THAT(expanded({"b.jsonl", "*.jsonl", "-", "-"}), ElementsAre("b.jsonl", "a.jsonl", "-"));
}

TEST_F(Inputs, ANameWithGlobCharactersIsItself) {
    folder_.write("x[1].jsonl", "");
    EXPECT_THAT(expanded({"x[1].jsonl"}), ElementsAre("x[1].jsonl"));
}

TEST_F(Inputs, EveryPatternWithoutAMatchIsNamed) {
    folder_.write("a.jsonl", "");
    const auto problem = expanded({"a.jsonl", "absent.jsonl", "*.zst"}).front();
    EXPECT_THAT(problem, HasSubstr("absent.jsonl: matches no file"));
    EXPECT_THAT(problem, HasSubstr("*.zst: matches no file"));
}

TEST_F(Inputs, FoldersAreRefusedByNameAndLeftOutOfGlobs) {
    folder_.write("sub/a.jsonl", "");
    folder_.write("b.jsonl", "");
    EXPECT_THAT(expanded({"sub"}).front(), HasSubstr("sub: is a folder"));
    EXPECT_THAT(expanded({"*"}), ElementsAre("b.jsonl"));
    EXPECT_THAT(expanded({"*/*.jsonl"}), ElementsAre("a.jsonl"));
}

TEST_F(Inputs, NoPatternIsNoInput) {
    EXPECT_TRUE(expanded({}).empty());
}

}  // namespace
}  // namespace grit::annotations
