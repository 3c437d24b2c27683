#include "grit/store/url_map.hpp"

#include <gtest/gtest.h>

#include <string>

#include "temp_state.hpp"

namespace grit::store::test {
namespace {

TEST(UrlMap, HasEachSpellingOfOneRecordHoweverMany) {
    const TempFolder temp;
    const State state(temp.path());
    const RecordKey one{7, {1, 1}};
    const RecordKey other{7, {1, 2}};
    Record record;
    record.url = "http://a/0";
    record.location = "00000/000000000.jpg";
    constexpr std::size_t kSpellings = 2'500;  // more than are read at once
    ASSERT_TRUE(state.write([&](WriteTxn& txn) -> Result<void> {
        for (std::size_t i = 1; i <= kSpellings; ++i) {
            EXPECT_TRUE(put_spelling(txn, one, "http://a/" + std::to_string(i)));
        }
        EXPECT_TRUE(put_spelling(txn, other, "http://a/other"));
        EXPECT_TRUE(put_url_to_path(txn, "http://a/third", "00000/000000003.jpg"));
        return map_urls(txn, one, record);
    }));
    EXPECT_EQ(state.count(Table::url_to_path), kSpellings + 2);
    {
        const ReadTxn txn = state.env->read().value();
        EXPECT_EQ(get_url_to_path(txn, "http://a/0").value(), record.location);
        EXPECT_EQ(get_url_to_path(txn, "http://a/2500").value(), record.location);
        EXPECT_FALSE(get_url_to_path(txn, "http://a/other"));
    }
    ASSERT_TRUE(state.write([&](WriteTxn& txn) {
        EXPECT_TRUE(unmap_urls(txn, one, record));
        return unmap_urls(txn, one, record);
    }));
    EXPECT_EQ(state.count(Table::url_to_path), 1U) << "the third one's stays";
}

}  // namespace
}  // namespace grit::store::test
