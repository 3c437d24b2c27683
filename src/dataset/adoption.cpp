#include "grit/dataset/adoption.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <fstream>
#include <utility>
#include <vector>

#include "grit/base/kill_point.hpp"
#include "grit/dataset/img2dataset_status.hpp"
#include "grit/store/adoption_rows.hpp"
#include "grit/store/error.hpp"
#include "grit/url/canonical_url.hpp"

namespace grit::dataset {
namespace {

namespace json = boost::json;

// Rows in one transaction: some milliseconds.
constexpr std::size_t kRowsAtOnce = 1'000;
constexpr std::size_t kMostLine = std::size_t{1} << 20;  // of a file of failures
constexpr std::size_t kMostWords = 200;  // of img2dataset's, in a record

// Words of any origin, for a record.
std::string printable(std::string words) {
    std::replace_if(words.begin(), words.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return words;
}

// The next line, or the empty one where it is longer than any of ours. @return false at the end.
bool next_line(std::istream& file, std::string& line) {
    line.clear();
    bool is_too_long = false;
    int c = file.get();
    const bool is_there = c != std::istream::traits_type::eof();
    for (; c != std::istream::traits_type::eof() && c != '\n'; c = file.get()) {
        is_too_long = is_too_long || line.size() >= kMostLine;
        line.append(is_too_long ? 0U : 1U, static_cast<char>(c));
    }
    line.resize(is_too_long ? 0 : line.size());
    return is_there;
}

class Adopter {
  public:
    Adopter(store::Writer& writer, const AdoptionOrder& order, const OnAdoption& look) : writer_(writer), order_(order), look_(look) {}

    Checked<AdoptionProgress> run() {
        const auto folder = Img2datasetFolder::open(order_.folder);
        if (!folder) {
            return folder.error();
        }
        progress_.shards = folder->shards();
        // Images behind failures: a URL on several lines may have failed once.
        if (const auto read = order_.failures.empty() ? Checked<void>() : read_failures(order_.failures); !read) {
            return read.error();
        }
        for (std::size_t shard = 0; shard < folder->shards() && !ended_; ++shard) {
            if (const auto read = read_shard(*folder, shard); !read) {
                return read.error();
            }
        }
        return progress_;
    }

  private:
    Checked<void> read_shard(const Img2datasetFolder& folder, std::size_t shard) {
        Checked<void> written;
        const auto read = folder.read(shard, [&](Img2datasetSample sample) {
            note_image(std::move(sample));
            written = flush_some();
            return written && !ended_;
        });
        if (!written) {
            return written;
        }
        if (read) {
            progress_.damaged += read->damaged;
            progress_.imageless += read->imageless;
        } else if (++progress_.damaged_shards <= AdoptionProgress::kMostDamage) {
            progress_.damage.push_back(read.error().what);
        }
        progress_.shards_done += ended_ ? 0U : 1U;
        return flush();
    }

    Checked<void> read_failures(const std::string& name) {
        std::ifstream file(name, std::ios::binary);
        if (!file) {
            return Problem{name + " can not be read"};
        }
        Checked<void> written;
        for (std::string line; written && !ended_ && next_line(file, line);) {
            note_failure(line);
            written = flush_some();
        }
        return written ? flush() : written;
    }

    void note_image(Img2datasetSample sample) {
        store::Adoption row;
        row.file = std::move(sample.file);
        row.offset = sample.offset;
        row.size = sample.size;
        row.modified_ns = sample.modified_ns;
        row.may_link = order_.hard_links;
        row.detail = "adopted from img2dataset: " + sample.key;
        progress_.images += note(sample.url, std::move(row)) ? 1U : 0U;
    }

    void note_failure(const std::string& line) {
        boost::system::error_code broken;
        const json::value value = json::parse(line, broken);
        const json::object* fields = broken ? nullptr : value.if_object();
        const json::value* url = fields == nullptr ? nullptr : fields->if_contains("url");
        const json::value* message = fields == nullptr ? nullptr : fields->if_contains("error_message");
        if (url == nullptr || !url->is_string()) {
            ++progress_.damaged;
            return;
        }
        const std::string words = message != nullptr && message->is_string() ? std::string(message->get_string()) : std::string();
        const auto outcome = final_outcome_of(words);
        if (!outcome) {
            ++progress_.open_failures;
            return;
        }
        store::Adoption row;
        row.outcome = *outcome;
        row.detail = "img2dataset: " + printable(words.substr(0, kMostWords));
        progress_.final_failures += note(std::string(url->get_string()), std::move(row)) ? 1U : 0U;
    }

    bool note(const std::string& url, store::Adoption row) {
        const auto canonical = url::canonicalize(url);
        if (!canonical) {
            ++progress_.bad_urls;
            return false;
        }
        rows_.emplace_back(canonical->hash(), std::move(row));
        return true;
    }

    Checked<void> flush_some() { return rows_.size() < kRowsAtOnce ? Checked<void>() : flush(); }

    Checked<void> flush() {
        const auto written = rows_.empty() ? Result<void>() : writer_.transact([&](store::WriteTxn& txn) -> Result<void> {
            for (const auto& [url, adoption] : rows_) {
                if (const auto put = store::put_adoption(txn, url, adoption); !put) {
                    return put;
                }
            }
            return {};
        });
        if (!written) {
            return store::unwritable(written.error());
        }
        kill_point("adopt.noted");
        rows_.clear();
        ended_ = ended_ || !look_(progress_);
        return {};
    }

    store::Writer& writer_;
    const AdoptionOrder& order_;
    const OnAdoption& look_;
    AdoptionProgress progress_;
    std::vector<std::pair<UrlHash, store::Adoption>> rows_;
    bool ended_ = false;
};

}  // namespace

Checked<AdoptionProgress> note_adoptions(store::Writer& writer, const AdoptionOrder& order, const OnAdoption& look) {
    return Adopter(writer, order, look).run();
}

}  // namespace grit::dataset
