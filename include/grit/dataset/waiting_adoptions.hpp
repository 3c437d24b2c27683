// What was noted of another program's output (adoption.hpp) and not taken over yet: how much of which shard, and its end.
//
// A row waits for its URL. Of URLs that are in no input it waits for ever, so an operator says when that is enough.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "grit/base/result.hpp"
#include "grit/store/env.hpp"
#include "grit/store/writer.hpp"

namespace grit::dataset {

struct WaitingAdoptions {
    std::map<std::string, std::uint64_t> images;  ///< By shard of the old folder: the folder of the image's file, or its tar.
    std::uint64_t failures = 0;                   ///< Final ones.
};

/// Reads all rows, ten thousand in one read transaction. Errors, in words: of the state.
[[nodiscard]] Checked<WaitingAdoptions> waiting_adoptions(store::Env& env);

/// Looked at after each transaction, with the rows that are gone so far; false ends it: the rest stays.
using OnForgotten = std::function<bool(std::uint64_t)>;

/// Deletes all rows, ten thousand in one transaction: their URLs, should they ever come, are asked for. Repeatable, whatever cut it
/// off. @return how many. Errors, in words: of the state.
[[nodiscard]] Checked<std::uint64_t> forget_adoptions(store::Writer& writer, const OnForgotten& look);

}  // namespace grit::dataset
