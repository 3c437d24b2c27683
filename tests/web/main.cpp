// grit-testweb: a web on loopback for tests and rehearsals, and the tools around it.
#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <exception>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>

#include "image_forge.hpp"
#include "sample.hpp"
#include "test_web.hpp"

namespace {

using namespace grit::testweb;

struct Arguments {
    TestWebOptions web;
    std::string script;
    double stop_after_seconds = 3600;
    std::vector<std::string> print_urls;
    std::string expect_file;
    SampleOptions sample;
};

std::string without_scheme(std::string url) {
    const auto colon = url.find("://");
    return colon == std::string::npos ? url : url.substr(colon + 3);
}

void print_expected(const ImageForge& forge, const std::string& url) {
    const ForgedImage image = forge.make(without_scheme(url));
    fmt::print("{} {} {}\n", sha256_hex(image.bytes), image.bytes.size(), url);
}

void print_all_expected(const Arguments& arguments) {
    const ImageForge forge(arguments.web.seed, arguments.web.mean_bytes);
    for (const std::string& url : arguments.print_urls) {
        print_expected(forge, url);
    }
    if (arguments.expect_file.empty()) {
        return;
    }
    std::ifstream file;
    if (arguments.expect_file != "-") {
        file.open(arguments.expect_file);
        if (!file) {
            throw std::runtime_error("can not read " + arguments.expect_file);
        }
    }
    std::istream& lines = arguments.expect_file == "-" ? std::cin : file;
    for (std::string line; std::getline(lines, line);) {
        if (!line.empty()) {
            print_expected(forge, line);
        }
    }
}

void make_sample(const SampleOptions& options) {
    const SampleSummary summary = write_sample(options);
    const std::string text = fmt::format(
        R"({{"annotations":{},"distinct_urls":{},"duplicate_urls":{},"bad_lines":{},"bad_urls":{},"hosts":{},"bytes":{}}})"
        "\n",
        summary.annotations, summary.distinct_urls, summary.duplicate_urls, summary.bad_lines, summary.bad_urls,
        options.hosts, summary.bytes);
    std::fputs(text.c_str(), options.path == "-" ? stderr : stdout);
}

// Blocks the signals that end the program, before any thread starts, and gives them a descriptor.
int signal_descriptor() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    return ::signalfd(-1, &signals, SFD_CLOEXEC);
}

void serve(Arguments& arguments) {
    const int signals = signal_descriptor();
    if (!arguments.script.empty()) {
        std::ifstream file(arguments.script);
        std::stringstream text;
        text << file.rdbuf();
        if (!file) {
            throw std::runtime_error("can not read " + arguments.script);
        }
        arguments.web.rules = parse_rules(text.str());
    }
    TestWeb web(arguments.web);
    fmt::print("http {} https {} dns {}\n", web.http_port(), web.https_port(), web.dns_port());
    std::fflush(stdout);
    pollfd poll{signals, POLLIN, 0};
    ::poll(&poll, 1, static_cast<int>(arguments.stop_after_seconds * 1000));
    web.stop();
    ::close(signals);
}

void describe(CLI::App& app, Arguments& arguments) {
    app.add_option("--http", arguments.web.http, "address:port for HTTP (port 0: any)")->capture_default_str();
    app.add_option("--https", arguments.web.https, "address:port for HTTPS")->capture_default_str();
    app.add_option("--dns", arguments.web.dns, "address:port for DNS, UDP and TCP")->capture_default_str();
    app.add_option("--dir", arguments.web.directory, "folder for ca.pem, requests.jsonl, dns.jsonl and ready.json");
    app.add_option("--script", arguments.script, "JSON file of rules (tests/web/README.md)");
    app.add_option("--seed", arguments.web.seed, "decides bytes, fractions and samples")->capture_default_str();
    app.add_option("--threads", arguments.web.threads, "threads that serve")
        ->capture_default_str()
        ->check(CLI::Range(1, 64));
    app.add_option("--addresses", arguments.web.addresses,
                   "loopback addresses that names are spread over (above 1: listen on 0.0.0.0)")
        ->capture_default_str()
        ->check(CLI::Range(1, 60'000));
    app.add_option("--mean-bytes", arguments.web.mean_bytes, "mean image size")
        ->capture_default_str()
        ->check(CLI::Range(300, 50'000'000));
    app.add_option("--stop-after", arguments.stop_after_seconds, "ends by itself after so many seconds")
        ->capture_default_str()
        ->check(CLI::Range(0.0, 2'000'000.0));
    app.add_option("--print-sha256", arguments.print_urls,
                   "print \"sha256 bytes url\" for URLs written as host/target");
    app.add_option("--expect", arguments.expect_file, "the same for a file of URLs, one a line (-: standard input)");
    app.add_option("--make-sample", arguments.sample.path, "write a GRIT-shaped JSONL file (-: standard output)");
    app.add_option("--annotations", arguments.sample.annotations, "lines of the sample")->capture_default_str();
    app.add_option("--hosts", arguments.sample.hosts, "hosts of the sample")->capture_default_str();
    app.add_option("--zipf", arguments.sample.zipf, "exponent of the hosts' shares")->capture_default_str();
    app.add_flag("--bad-lines", arguments.sample.bad_lines, "0.5 % damaged lines in the sample");
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("A web on loopback that serves any host name: HTTP, HTTPS and DNS, with scripted faults.");
    Arguments arguments;
    describe(app, arguments);
    CLI11_PARSE(app, argc, argv);
    try {
        if (!arguments.sample.path.empty()) {
            arguments.sample.seed = arguments.web.seed;
            make_sample(arguments.sample);
        } else if (!arguments.print_urls.empty() || !arguments.expect_file.empty()) {
            print_all_expected(arguments);
        } else if (arguments.web.directory.empty()) {
            throw std::runtime_error("--dir is needed (or --print-sha256, --expect, --make-sample)");
        } else {
            serve(arguments);
        }
    } catch (const std::exception& error) {
        fmt::print(stderr, "grit-testweb: {}\n", error.what());
        return 1;
    }
    return 0;
}
