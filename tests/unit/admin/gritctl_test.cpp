#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <array>
#include <boost/json/parse.hpp>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "grit/base/version.hpp"
#include "running_server.hpp"

namespace grit::admin {
namespace {

using test::FakeBackend;
using test::RunningServer;
using test::TempFolder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;
using namespace std::chrono_literals;

std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

struct Ran {
    int code = -1;
    std::string out;
    std::string err;
};

class Gritctl : public testing::Test {
  protected:
    // Runs the program; its arguments are words of a shell.
    Ran run(const std::string& arguments, const std::string& before = {}) {
        const std::string errors = folder_ / "stderr";
        const std::string command = before + " TZ=UTC " GRITCTL " " + arguments + " 2>" + errors;
        FILE* pipe = ::popen(command.c_str(), "r");  // NOLINT: a command of this test
        Ran ran;
        std::array<char, 4096> buffer{};
        while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
            ran.out.append(buffer.data(), size);
        }
        const int status = ::pclose(pipe);
        ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
        ran.err = read_file(errors);
        return ran;
    }
    Ran ask(const RunningServer& server, const std::string& arguments) {
        return run("--socket " + server.path() + " " + arguments);
    }

    TempFolder folder_;
    FakeBackend backend_;
};

TEST_F(Gritctl, StatusIsForPeopleAndForPrograms) {
    const RunningServer server(backend_);
    const Ran people = ask(server, "status");
    EXPECT_EQ(people.code, 0) << people.err;
    EXPECT_THAT(people.out, StartsWith("default  running   since 3h12m"));
    EXPECT_THAT(people.out, Not(HasSubstr("\x1b")));  // A pipe is no terminal.
    const Ran programs = ask(server, "status --json");
    EXPECT_EQ(json::parse(programs.out).as_object(), backend_.status());
    EXPECT_EQ(ask(server, "--json status").out, programs.out);
}

TEST_F(Gritctl, ControlsReachTheDaemon) {
    const RunningServer server(backend_);
    for (const char* command :
         {"pause 'disk swap'", "pause", "resume", "drain", "stop", "reload", "log-level debug",
          "retry --outcome dns_failure,dns_not_found --outcome filtered --host a.example --since 2h --dry-run",
          "host a.example", "record 'https://a.example/x.jpg?a=1&b=2+3'", "explain 'https://b.example/ü x'",
          "hosts --sort errors --limit 3 --state backoff", "stats", "version"}) {
        const Ran ran = ask(server, command);
        EXPECT_EQ(ran.code, 0) << command << ": " << ran.err;
        EXPECT_THAT(ran.out, Not(IsEmpty())) << command;
        EXPECT_THAT(ran.err, IsEmpty()) << command;
    }
    EXPECT_THAT(
        backend_.calls(),
        ElementsAre("pause disk swap", "pause ", "resume", "drain", "stop", "reload", "log-level debug",
                    "retry dns_failure dns_not_found filtered host=a.example since=7200000 dry_run", "host a.example",
                    "record https://a.example/x.jpg?a=1&b=2+3", "explain https://b.example/ü x", "hosts errors 3 backoff"));
    EXPECT_EQ(ask(server, "retry --outcome dns_failure").out, "42 URLs will be asked again\n");
    EXPECT_THAT(ask(server, "version").out, HasSubstr("gritd   " + std::string(grit::version()) + " (API 1.0.0)\n"));
}

TEST_F(Gritctl, BlocksAndUnblocks) {
    const RunningServer server(backend_);
    EXPECT_EQ(ask(server, "block A.example --reason 'by mail'").out, "blocked: domain a.example\n");
    EXPECT_EQ(ask(server, "block pattern '*/x/*'").out, "blocked: pattern */x/*\n");
    EXPECT_EQ(ask(server, "unblock a.example").out, "no longer blocked: domain a.example\n3 URLs that it had ended will be asked again\n");
    EXPECT_THAT(ask(server, "blocks").out, HasSubstr("by mail"));
    EXPECT_EQ(json::parse(ask(server, "blocks --json").out).at("blocks").as_array().size(), 1u);
    EXPECT_EQ(ask(server, "unblock host b.example").code, 4);
    EXPECT_EQ(ask(server, "block full.example").code, 1);
    EXPECT_EQ(ask(server, "block co.uk").code, 1);
    EXPECT_EQ(ask(server, "block hots a.example").code, 2);
    EXPECT_EQ(ask(server, "block").code, 2);
    const auto calls = backend_.calls();
    ASSERT_GE(calls.size(), 3u);
    EXPECT_THAT(calls[0], StartsWith("block domain a.example because by mail"));
    EXPECT_THAT(calls[1], StartsWith("block pattern */x/*"));
    EXPECT_EQ(calls[2], "unblock a.example");
}

TEST_F(Gritctl, VerifyWaitsForItsEndAndTellsWhatIsBroken) {
    RunningServer server(backend_);
    backend_.job_looks = 3;
    const Ran whole = ask(server, "verify --sample 200");
    EXPECT_EQ(whole.code, 0) << whole.err;
    EXPECT_THAT(whole.out, HasSubstr("50 / 200 images  2.0 KiB/s  0 broken"));
    EXPECT_THAT(whole.out, HasSubstr("200 images checked, 2.0 KiB in 1s (2.0 KiB/s)\nnothing is broken\n"));
    backend_.broken = 2;
    const Ran broken = ask(server, "verify");
    EXPECT_EQ(broken.code, 1);
    EXPECT_THAT(broken.out, HasSubstr("2 are broken: 2 missing"));
    EXPECT_THAT(broken.out, HasSubstr("list: /state/verify/x.jsonl\n"));
    EXPECT_THAT(broken.err, HasSubstr("gritctl verify --repair"));
    backend_.requeued = 3;
    const Ran repaired = ask(server, "verify --repair");
    EXPECT_EQ(repaired.code, 0) << repaired.err;
    EXPECT_THAT(repaired.out, HasSubstr("3 URLs will be asked again\n"));
    backend_.job_end = "failed";
    EXPECT_THAT(ask(server, "verify").err, HasSubstr("the disk is on fire"));
    backend_.job_end = "stopped";
    EXPECT_EQ(ask(server, "verify --repair").code, 1);
    EXPECT_EQ(ask(server, "verify --stop").code, 0);
    EXPECT_EQ(ask(server, "verify --stop --repair").code, 2);
    EXPECT_EQ(ask(server, "verify --sample 0").code, 2);
    EXPECT_EQ(backend_.calls().front(), "verify sample=200");
}

TEST_F(Gritctl, VolumesAreShownAndGivenUp) {
    RunningServer server(backend_);
    const Ran shown = ask(server, "volumes");
    EXPECT_EQ(shown.code, 0) << shown.err;
    EXPECT_THAT(shown.out, HasSubstr("VOLUME  STATE"));
    EXPECT_THAT(shown.out, HasSubstr("root    in_use"));
    EXPECT_EQ(backend_.calls().back(), "volumes");
    const Ran lost = ask(server, "volumes lost b");
    EXPECT_EQ(lost.code, 0) << lost.err;
    EXPECT_THAT(lost.out, HasSubstr("All that it held is asked for again"));
    EXPECT_EQ(backend_.calls().back(), "give_up_volume b");
    EXPECT_EQ(ask(server, "volumes lost c").code, 1);
    EXPECT_EQ(ask(server, "volumes lost").code, 2);
    EXPECT_EQ(ask(server, "volumes lsot b").code, 2);
}

TEST_F(Gritctl, BackupIsAskedForByAnAbsolutePath) {
    RunningServer server(backend_);
    backend_.job_looks = 2;
    const Ran made = ask(server, "backup /mnt/../backup");
    EXPECT_EQ(made.code, 0) << made.err;
    EXPECT_THAT(made.out, HasSubstr("/backup: 1.0 KiB in 1s, 3 files\n"));
    EXPECT_EQ(backend_.calls().back(), "backup /backup");
    EXPECT_EQ(ask(server, "backup").code, 2);
    backend_.job_end = "failed";
    const Ran failed = ask(server, "backup /backup");
    EXPECT_EQ(failed.code, 1);
    EXPECT_THAT(failed.err, HasSubstr("the disk is on fire"));
}

TEST_F(Gritctl, AdoptTellsWhatIsTakenOver) {
    RunningServer server(backend_);
    backend_.job_looks = 2;
    const Ran done = ask(server, "adopt /mnt/../old --failures /old.jsonl");
    EXPECT_EQ(done.code, 0) << done.err;
    EXPECT_THAT(done.out, HasSubstr("12 345 images of /old will be taken over"));
    EXPECT_THAT(done.out, HasSubstr("7 failures are final, 9 URLs are asked for again\n"));
    EXPECT_THAT(done.out, HasSubstr("6 entries are of no use"));
    EXPECT_EQ(backend_.calls().back(), "adopt /old failures=/old.jsonl");
    EXPECT_EQ(ask(server, "adopt /old --no-hard-links").code, 0);
    EXPECT_EQ(backend_.calls().back(), "adopt /old copies");
    EXPECT_EQ(ask(server, "adopt --stop").code, 0);
    for (const char* wrong : {"adopt /old --forget", "adopt --force", "adopt --failures /old.jsonl", "adopt --waiting --stop"}) {
        EXPECT_EQ(ask(server, wrong).code, 2) << wrong;
    }
    backend_.job_end = "failed";
    EXPECT_THAT(ask(server, "adopt /old").err, HasSubstr("the disk is on fire"));
}

TEST_F(Gritctl, AdoptTellsWhatIsLeftAndForgetsIt) {
    RunningServer server(backend_);
    EXPECT_THAT(ask(server, "adopt").out, HasSubstr("5 URLs are noted and wait for their turn"));
    backend_.has_job = false;
    backend_.adoptions_left = 0;
    EXPECT_EQ(ask(server, "adopt").out, "nothing is left to be taken over: the old folder is not needed any more\n");
    backend_.has_job = true;
    EXPECT_THAT(ask(server, "adopt --forget").out, HasSubstr("4 321 noted URLs are forgotten"));
    EXPECT_EQ(backend_.calls().back(), "adopt forget");
    EXPECT_EQ(ask(server, "adopt --forget --force").code, 0);
    EXPECT_EQ(backend_.calls().back(), "adopt forget by force");
    backend_.job_problem = "the crawl is not through";
    EXPECT_THAT(ask(server, "adopt --forget").err, HasSubstr("the crawl is not through"));
}

TEST_F(Gritctl, OptOutWaitsForItsEnd) {
    backend_.opt_out_looks = 2;
    const RunningServer server(backend_);
    const Ran ran = ask(server, "optout A.example --delete --reason 'by mail'");
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_EQ(ran.out,
              "5 images are stored from a.example\n"
              "a.example is blocked: nothing is asked of it any more\n"
              "5 records deleted, 3 files removed (2.0 KiB)\n"
              "1 files stay: other domains have the same images, and their records name the files\n"
              "list: /state/optouts/a.example.jsonl\n");
    EXPECT_THAT(backend_.calls(), ElementsAre("optout a.example delete because by mail"));
    backend_.opt_out_looks = 1;
    backend_.opt_out_end = "failed";
    const Ran failed = ask(server, "optout a.example --dry-run");
    EXPECT_EQ(failed.code, 1);
    EXPECT_THAT(failed.err, StartsWith("gritctl: the disk is full\n"));
    EXPECT_EQ(ask(server, "optout busy.example").code, 1);
    EXPECT_EQ(ask(server, "optout").code, 2);
}

TEST_F(Gritctl, NotFoundIsFour) {
    const RunningServer server(backend_);
    const Ran host = ask(server, "host nowhere.example");
    EXPECT_EQ(host.code, 4);
    EXPECT_THAT(host.err, StartsWith("gritctl: the dataset has no host nowhere.example\n"));
    EXPECT_THAT(host.out, IsEmpty());
    EXPECT_EQ(ask(server, "record https://nowhere.example/").code, 4);
}

TEST_F(Gritctl, RefusalIsOneWithReasonAndHint) {
    backend_.reload_problem = "gritd.toml:3:1: unknown key\ngritd.toml:4:1: unknown key";
    const RunningServer server(backend_);
    const Ran ran = ask(server, "reload");
    EXPECT_EQ(ran.code, 1);
    EXPECT_EQ(ran.err,
              "gritctl: gritd.toml:3:1: unknown key\ngritd.toml:4:1: unknown key\n"
              "  the old config stays in force; correct the file and reload again\n");
}

TEST_F(Gritctl, NoDaemonIsThree) {
    const Ran missing = run("--socket " + (folder_ / "none") + " status");
    EXPECT_EQ(missing.code, 3);
    EXPECT_THAT(missing.err, HasSubstr("gritd is not running: nobody answers on " + (folder_ / "none")));
    EXPECT_EQ(run("--instance no-such-instance status").code, 3);
    EXPECT_THAT(run("--instance no-such-instance status").err, HasSubstr("/run/grit/no-such-instance.sock"));
    EXPECT_EQ(run("--socket " + (folder_ / "none") + " watch").code, 3);
    const Ran exported = run("--socket " + (folder_ / "none") + " export url-to-path -o " + (folder_ / "x"));
    EXPECT_EQ(exported.code, 3);
    EXPECT_THAT(exported.err, HasSubstr("--config FILE"));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "x"));
}

TEST_F(Gritctl, NotPermittedIsFive) {
    if (::getuid() != 0) {
        GTEST_SKIP() << "needs root, to become somebody else";
    }
    const RunningServer server(backend_);
    ::chmod(server.folder().path().c_str(), 0755);
    ::chmod(folder_.path().c_str(), 0755);
    ::chmod(server.path().c_str(), 0600);
    // The program lies in a folder that others may not be able to reach, so it is copied.
    std::filesystem::copy_file(GRITCTL, folder_ / "gritctl");
    const std::string command = "exec 2>&1; setpriv --reuid 65534 --regid 65534 --clear-groups " +
                                (folder_ / "gritctl") + " --socket " + server.path() + " status; echo code=$?";
    FILE* pipe = ::popen(command.c_str(), "r");  // NOLINT: a command of this test
    std::array<char, 4096> buffer{};
    const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), pipe);
    ::pclose(pipe);
    EXPECT_THAT(std::string(buffer.data(), size), HasSubstr("code=5"));
}

TEST_F(Gritctl, WrongUsageIsTwo) {
    for (const char* arguments :
         {"", "--nonsense", "status --nonsense", "host", "retry", "retry --outcome nonsense", "retry --outcome stored",
          "retry --outcome dns_failure --since yesterday", "log-level loud", "hosts --sort size", "hosts --state sleepy", "hosts --limit 0",
          "export", "export url-to-path", "export url-to-path --format xml -o -", "--socket a --instance b status",
          "--instance ../x status", "watch --interval 5"}) {
        const Ran ran = run(arguments);
        EXPECT_EQ(ran.code, 2) << arguments;
        EXPECT_THAT(ran.err, StartsWith("gritctl: ")) << arguments;
        EXPECT_THAT(ran.out, IsEmpty()) << arguments;
    }
    EXPECT_EQ(run("--socket " + std::string(200, 'x') + " status").code, 2);
}

TEST_F(Gritctl, MisspeltWordsAreAnsweredWithTheNearest) {
    EXPECT_THAT(run("statsu").err, StartsWith("gritctl: there is no command \"statsu\": did you mean \"stat"));
    EXPECT_THAT(run("--socket status resum").err, HasSubstr("did you mean \"resume\"?"));
    EXPECT_THAT(run("retry --outcome dns_failur").err, HasSubstr("did you mean \"dns_failure\"?"));
    EXPECT_THAT(run("doctor").err, HasSubstr("there is no command \"doctor\""));
}

TEST_F(Gritctl, HelpAndVersionAreData) {
    const Ran help = run("--help");
    EXPECT_EQ(help.code, 0);
    EXPECT_THAT(help.out, HasSubstr("Examples:\n  gritctl status\n"));
    EXPECT_THAT(help.out, Not(HasSubstr("doctor")));
    EXPECT_EQ(run("retry --help").code, 0);
    const Ran version = run("--version");
    EXPECT_EQ(version.code, 0);
    EXPECT_THAT(version.out, StartsWith("gritctl " + std::string(grit::version())));
}

TEST_F(Gritctl, FullStandardOutputIsAFailure) {
    const RunningServer server(backend_);
    EXPECT_EQ(ask(server, "status >/dev/full").code, 1);
}

TEST_F(Gritctl, ExportThroughTheDaemonIsWholeOrNotThere) {
    const std::string file = folder_ / "map.csv";
    {
        const RunningServer server(backend_);
        const Ran ran = ask(server, "export url-to-path --format csv -o " + file);
        EXPECT_EQ(ran.code, 0) << ran.err;
        EXPECT_EQ(read_file(file), "url,path\r\nhttps://a.example/x.jpg,/srv/00000/000000005.jpg\r\n");
        EXPECT_EQ(ask(server, "export url-to-path -o -").out, read_file(file));
        EXPECT_EQ(backend_.calls().back(), "export jsonl");
    }
    backend_.export_pieces = {"half"};
    backend_.export_problem = "records: corrupt row";
    const RunningServer server(backend_);
    const Ran broken = ask(server, "export url-to-path --format csv -o " + file);
    EXPECT_EQ(broken.code, 1);
    EXPECT_THAT(read_file(file), StartsWith("url,path"));
    EXPECT_EQ(ask(server, "export url-to-path -o " + (folder_ / "no/such/folder")).code, 1);
}

TEST_F(Gritctl, LargeExportArrivesWhole) {
    backend_.export_pieces.assign(40, std::string(300'000, 'x'));
    const RunningServer server(backend_);
    const Ran ran = ask(server, "export url-to-path --format csv -o " + (folder_ / "big"));
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_EQ(read_file(folder_ / "big"), std::string(12'000'000, 'x'));
}

TEST_F(Gritctl, ExportsWithoutADaemonReadTheConfig) {
    const std::string input = folder_ / "a.jsonl";
    std::ofstream(input) << "{\"url\": \"http://a/\", \"key\": \"007\"}\nbroken\n";
    const std::string config = folder_ / "c.toml";
    std::ofstream(config) << "[input]\nannotations = [\"" << input
                          << "\"]\n[storage]\nroot = \"/srv\"\n[state]\ndir = \"" << folder_ / "state" << "\"\n";
    const Ran list = run("export url-list --config " + config + " -o " + (folder_ / "list.csv"));
    EXPECT_EQ(list.code, 0) << list.err;
    EXPECT_EQ(read_file(folder_ / "list.csv"), "url,image_id\r\nhttp://a/,007\r\n");
    EXPECT_THAT(list.err, HasSubstr("left out: 1 lines that can not be used, the first is " + input + ":2: "));

    const Ran no_state = run("export url-to-path --format json --config " + config + " -o -");
    EXPECT_EQ(no_state.code, 1);
    EXPECT_THAT(no_state.err, HasSubstr(folder_ / "state"));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "state"));

    const Ran no_config = run("export url-list --config " + (folder_ / "none.toml") + " -o -");
    EXPECT_EQ(no_config.code, 1);
    EXPECT_THAT(no_config.err, HasSubstr("can not read the config"));
    std::ofstream(config) << "[inputs]\n";
    EXPECT_THAT(run("export url-list -o - --config " + config).err, HasSubstr(config + ":1:"));
}

TEST_F(Gritctl, UrlListAsksTheDaemonForItsConfig) {
    const std::string input = folder_ / "a.jsonl";
    std::ofstream(input) << "{\"url\": \"http://a/\", \"key\": \"007\"}\n";
    const std::string config = folder_ / "c.toml";
    std::ofstream(config) << "[input]\nannotations = [\"" << input
                          << "\"]\n[storage]\nroot = \"/srv\"\n[state]\ndir = \"/s\"\n";
    backend_.update("config", json::object{{"file", json::string(config)}, {"reloaded_at", 0}});
    const RunningServer server(backend_);
    EXPECT_EQ(ask(server, "export url-list -o -").out, "url,image_id\r\nhttp://a/,007\r\n");
}

// A gritctl that runs while the test goes on.
class Running {
  public:
    explicit Running(const std::string& arguments)
        : pipe_(::popen((GRITCTL " " + arguments).c_str(), "r")) {}  // NOLINT
    std::string line() {
        std::string text;
        for (int c = std::fgetc(pipe_); c != EOF; c = std::fgetc(pipe_)) {
            text.push_back(static_cast<char>(c));
            if (c == '\n') {
                break;
            }
        }
        return text;
    }
    int end() {
        const int status = ::pclose(pipe_);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

  private:
    FILE* pipe_;
};

TEST_F(Gritctl, WatchEndsWithTheDaemon) {
    Options options;
    options.event_interval = 5ms;
    RunningServer server(backend_, options);
    Running watch("--socket " + server.path() + " watch --interval 1h");
    EXPECT_THAT(watch.line(), HasSubstr(" default running 4102331/20498221 (20.0%)"));
    backend_.update("state", "stopped");
    server.stop();
    EXPECT_THAT(watch.line(), HasSubstr(" default stopped "));  // The last one, though no hour has gone by.
    EXPECT_EQ(watch.line(), "");
    EXPECT_EQ(watch.end(), 0);
}

TEST_F(Gritctl, WatchAsJsonIsEveryEvent) {
    Options options;
    options.event_interval = 5ms;
    RunningServer server(backend_, options);
    Running watch("--socket " + server.path() + " watch --json");
    EXPECT_EQ(json::parse(watch.line()).at("event"), "state");
    EXPECT_EQ(json::parse(watch.line()).at("status").as_object(), backend_.status());
    EXPECT_EQ(json::parse(watch.line()).at("seq"), 3);
    server.stop();
    std::string last;
    for (std::string line = watch.line(); !line.empty(); line = watch.line()) {
        last = line;
    }
    EXPECT_EQ(json::parse(last).at("event"), "end");
    EXPECT_EQ(watch.end(), 0);
}

// What a killed daemon looks like: a stream that breaks off.
TEST_F(Gritctl, WatchTellsADaemonThatWentAway) {
    const std::string path = folder_ / "s";
    const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(listener, 1), 0);
    std::thread dying([listener] {
        const int peer = ::accept(listener, nullptr, nullptr);
        constexpr std::string_view kHead =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n{\"event\":\"heartbeat\"";
        (void)!::write(peer, kHead.data(), kHead.size());
        ::shutdown(peer, SHUT_WR);
        char buffer[1024];
        while (::read(peer, buffer, sizeof buffer) > 0) {
        }
        ::close(peer);
    });
    const Ran ran = run("--socket " + path + " watch");
    dying.join();
    ::close(listener);
    EXPECT_EQ(ran.code, 3);
    EXPECT_THAT(ran.err, StartsWith("gritctl: gritd went away without a word\n"));
}

}  // namespace
}  // namespace grit::admin
