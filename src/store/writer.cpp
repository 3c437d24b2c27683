#include "grit/store/writer.hpp"

#include <future>
#include <utility>

namespace grit::store {
namespace {

class OneTransaction final : public WriteJob {
  public:
    OneTransaction(const std::function<Result<void>(WriteTxn&)>& body, std::promise<Result<void>>& done)
        : body_(body), done_(done) {}
    void run(WriteSession& session) override { done_.set_value(session.transact(body_)); }

  private:
    const std::function<Result<void>(WriteTxn&)>& body_;
    std::promise<Result<void>>& done_;
};

}  // namespace

void WriteSession::note_turn() {
    const std::scoped_lock lock(writer_.mutex_);
    writer_.turn_ = writer_.clock_.now();
}

Writer::Writer(Env& env, const Clock& clock) : env_(env), clock_(clock), turn_(clock.now()) {
    thread_ = std::thread([this] { work(); });
}

Writer::~Writer() {
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
}

void Writer::submit(std::unique_ptr<WriteJob> job) {
    {
        const std::scoped_lock lock(mutex_);
        jobs_.push_back(std::move(job));
        ++submitted_;
    }
    wake_.notify_one();
}

Result<void> Writer::transact(const std::function<Result<void>(WriteTxn&)>& body) {
    std::promise<Result<void>> done;
    std::future<Result<void>> result = done.get_future();
    submit(std::make_unique<OneTransaction>(body, done));
    Result<void> answer = result.get();
    drain();  // the job refers to `done` until it is destroyed
    return answer;
}

void Writer::drain() {
    std::unique_lock lock(mutex_);
    const std::uint64_t upto = submitted_;
    done_.wait(lock, [&] { return finished_ >= upto; });
}

std::size_t Writer::backlog() const {
    const std::scoped_lock lock(mutex_);
    return static_cast<std::size_t>(submitted_ - finished_);
}

SteadyTime Writer::heartbeat() const {
    const std::scoped_lock lock(mutex_);
    return submitted_ == finished_ ? clock_.now() : turn_;
}

void Writer::work() {
    WriteSession session(env_, *this);
    std::unique_lock lock(mutex_);
    for (;;) {
        wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
        if (jobs_.empty()) {
            return;
        }
        std::unique_ptr<WriteJob> job = std::move(jobs_.front());
        jobs_.pop_front();
        turn_ = clock_.now();
        lock.unlock();
        job->run(session);
        job.reset();
        lock.lock();
        ++finished_;
        done_.notify_all();
    }
}

}  // namespace grit::store
