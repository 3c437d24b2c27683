#include <gtest/gtest.h>

#include <filesystem>

#include "grit/dataset/state_copy.hpp"
#include "scratch.hpp"

namespace grit::dataset {
namespace {

namespace fs = std::filesystem;
using test::ScratchFolder;
using test::write_file;

TEST(StateBackup, WhatWasLeftUnfinishedIsNoPartOfIt) {
    const ScratchFolder scratch;
    const auto env = store::Env::open(scratch / "state").value();
    fs::create_directories(scratch / "state/rebuild.part/images");
    fs::create_directories(scratch / "state/optouts");
    write_file(scratch / "state/rebuild.part/data.mdb", "half");
    write_file(scratch / "state/rebuild.part/images/part-0", "half");
    write_file(scratch / "state/optouts/a.jsonl", "whole");
    write_file(scratch / "state/optouts/b.jsonl.part", "half");
    const auto made = back_up_state(*env, scratch / "backup", WallTime{}, [](const CopyProgress&) { return true; });
    ASSERT_TRUE(made) << made.error().what;
    EXPECT_TRUE(fs::exists(scratch / "backup/data.mdb"));
    EXPECT_TRUE(fs::exists(scratch / "backup/optouts/a.jsonl"));
    EXPECT_FALSE(fs::exists(scratch / "backup/optouts/b.jsonl.part"));
    EXPECT_FALSE(fs::exists(scratch / "backup/rebuild.part"));
}

}  // namespace
}  // namespace grit::dataset
