#include "frontier_rig.hpp"

namespace grit::frontier {
namespace {

class RunBuilderTest : public test::FrontierRig {
  protected:
    store::QueueBlock block(const store::QueueKey& key) {
        const store::ReadTxn txn = env_->read().value();
        return store::get_block(txn, codec_, key, hosts_.info(key.host).name).value();
    }
    std::optional<store::QueueKey> next(HostId host, RunId run, std::uint32_t from) {
        const store::ReadTxn txn = env_->read().value();
        const auto key = store::next_block(txn, host, run, from);
        return key ? std::optional(*key) : std::nullopt;
    }
    store::BlockCodec codec_;
};

TEST_F(RunBuilderTest, WritesHostByHostInInputOrderWhateverTheOrderOfTheInput) {
    RunBuilder builder;
    const HostId a = id("a.example.org");
    const HostId b = id("b.example.org");
    for (Ordinal i = 0; i < 400; ++i) {
        builder.add(i % 3 == 0 ? b : a, i, "http://" + std::string(i % 3 == 0 ? "b" : "a") + ".example.org/" + std::to_string(i));
    }
    builder.sort();
    ASSERT_TRUE(writer_.transact([&](store::WriteTxn& txn) { return builder.write(txn, 5, hosts_); }));
    std::vector<Ordinal> seen;
    for (const HostId host : {a, b}) {
        std::uint32_t number = 0;
        while (const auto key = next(host, 5, number)) {
            EXPECT_EQ(key->block, number) << "blocks are numbered without gaps";
            number = key->block + 1;
            const store::QueueBlock entries = block(*key);
            EXPECT_LE(entries.size(), kBlockEntries);
            for (const store::QueueEntry& entry : entries) {
                EXPECT_EQ(entry.ordinal % 3 == 0, host == b);
                EXPECT_TRUE(entry.url.ends_with("/" + std::to_string(entry.ordinal)));
                EXPECT_TRUE(seen.empty() || host == b || entry.ordinal > seen.back());
                seen.push_back(entry.ordinal);
            }
        }
    }
    EXPECT_EQ(seen.size(), 400u);
    const store::ReadTxn txn = env_->read().value();
    EXPECT_EQ(store::get_run(txn, 5).value(), (std::vector<store::RunHost>{{a, 266}, {b, 134}}));
}

TEST_F(RunBuilderTest, CutsABlockOfLongUrlsBeforeItGetsLarge) {
    RunBuilder builder;
    const HostId host = id("a.example.org");
    for (Ordinal i = 0; i < 60; ++i) {
        builder.add(host, i, "http://a.example.org/" + std::string(7'000, 'x') + std::to_string(i));
    }
    builder.sort();
    ASSERT_TRUE(writer_.transact([&](store::WriteTxn& txn) { return builder.write(txn, 1, hosts_); }));
    std::size_t entries = 0;
    std::size_t blocks = 0;
    for (auto key = next(host, 1, 0); key; key = next(host, 1, key->block + 1)) {
        const std::size_t count = block(*key).size();
        EXPECT_LE(count, 10u) << "64 KiB of text";
        entries += count;
        ++blocks;
    }
    EXPECT_EQ(entries, 60u);
    EXPECT_EQ(blocks, 6u);
}

TEST_F(RunBuilderTest, CanBeWrittenAgainAfterATransactionThatFailed) {
    RunBuilder builder;
    const HostId host = id("a.example.org");
    for (Ordinal i = 0; i < 300; ++i) {
        builder.add(host, i, "http://a.example.org/" + std::to_string(i));
    }
    builder.sort();
    const auto failed = writer_.transact([&](store::WriteTxn& txn) -> Result<void> {
        EXPECT_TRUE(builder.write(txn, 1, hosts_));
        return store::Errc::io;
    });
    EXPECT_FALSE(failed);
    EXPECT_EQ(next(host, 1, 0), std::nullopt);
    ASSERT_TRUE(writer_.transact([&](store::WriteTxn& txn) { return builder.write(txn, 1, hosts_); }));
    EXPECT_EQ(block({1, host, 2}).size(), 44u);
}

TEST_F(RunBuilderTest, KeepsTheUrlAsWritten) {
    RunBuilder builder;
    const HostId host = id("a.example.org");
    const std::string odd = "HTTP://A.example.org:80/ä b?x=1&amp;y#frag";
    builder.add(host, 7, odd);
    builder.sort();
    ASSERT_TRUE(writer_.transact([&](store::WriteTxn& txn) { return builder.write(txn, 1, hosts_); }));
    EXPECT_EQ(block({1, host, 0}), (store::QueueBlock{{7, odd}}));
}

TEST_F(RunBuilderTest, IsEmptyAgainAfterClear) {
    RunBuilder builder;
    builder.add(id("a.example.org"), 0, "http://a.example.org/");
    EXPECT_GT(builder.bytes(), 0u);
    builder.clear();
    EXPECT_TRUE(builder.empty());
    EXPECT_EQ(builder.bytes(), 0u);
    EXPECT_TRUE(builder.hosts().empty());
}

TEST_F(RunBuilderTest, SavingHostsLeavesRowsAloneThatAreThere) {
    const HostId known = id("a.example.org");
    const HostId fresh = id("b.example.org");
    ASSERT_TRUE(writer_.transact([&](store::WriteTxn& txn) {
        store::HostRow row;
        row.name = "a.example.org";
        row.domain = "example.org";
        row.taken = 17;
        return store::put_host(txn, known, row);
    }));
    ASSERT_TRUE(writer_.transact([&](store::WriteTxn& txn) { return save_hosts(txn, {known, fresh}, hosts_); }));
    const store::ReadTxn txn = env_->read().value();
    EXPECT_EQ(store::get_host(txn, known).value().taken, 17u);
    const store::HostRow row = store::get_host(txn, fresh).value();
    EXPECT_EQ(row.name, "b.example.org");
    EXPECT_EQ(row.domain, "example.org");
    EXPECT_EQ(row.partition, hosts_.info(fresh).partition);
}

}  // namespace
}  // namespace grit::frontier
