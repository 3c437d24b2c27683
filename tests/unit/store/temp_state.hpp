// A state folder that is gone after the test, and shorthands to fill it.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "grit/base/clock.hpp"
#include "grit/store/env.hpp"
#include "grit/store/writer.hpp"
#include "temp_folder.hpp"

namespace grit::store::test {

using grit::test::TempFolder;

/// A state with its writer. `env` must be set.
struct State {
    explicit State(const std::filesystem::path& dir, EnvOptions options = {})
        : env(Env::open(dir, options).value()), writer(std::make_unique<Writer>(*env, clock)) {}

    Result<void> write(const std::function<Result<void>(WriteTxn&)>& body) const { return writer->transact(body); }
    void put(Table table, std::string_view key, std::string_view value) const {
        ASSERT_TRUE(write([&](WriteTxn& txn) { return txn.put(table, key, value); }));
    }
    [[nodiscard]] std::string get(Table table, std::string_view key) const {
        const ReadTxn txn = env->read().value();
        const Result<std::string_view> value = txn.get(table, key);
        return value ? std::string(*value) : "(none)";
    }
    [[nodiscard]] std::uint64_t count(Table table) const { return env->read().value().count(table).value(); }

    SystemClock clock;
    std::unique_ptr<Env> env;
    std::unique_ptr<Writer> writer;  // ends before env
};

}  // namespace grit::store::test
