// Reads [storage.volumes]: names of further image volumes, and where each is.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "reader.hpp"
#include "spelling.hpp"

namespace grit::config {
namespace {

constexpr std::size_t kMostVolumes = 16;

std::string plain(const std::string& path) {
    std::string normal = std::filesystem::path(path).lexically_normal().string();
    while (normal.size() > 1 && normal.ends_with('/')) {
        normal.pop_back();
    }
    return normal;
}

bool is_inside(const std::string& path, const std::string& folder) {
    return path.starts_with(folder == "/" ? folder : folder + "/");
}

// What is wrong with a root beside another one.
Complaint beside(const std::string& root, const std::string& other_name, const std::string& other_root) {
    const std::string mine = plain(root);
    const std::string other = plain(other_root);
    if (mine == other) {
        return fmt::format("is the root of {}, too", other_name);
    }
    if (is_inside(mine, other) || is_inside(other, mine)) {
        return fmt::format("and the root of {}, {}, lie one inside the other", other_name, config::quoted(other_root));
    }
    return std::nullopt;
}

}  // namespace

void Reader::volumes(const Key& key, Storage& out) {
    const toml::node* node = find(key);
    if (node == nullptr) {
        return;
    }
    const toml::table* table = node->as_table();
    if (table == nullptr) {
        report(key, node->source(), R"(expected a table such as { b = "/mnt/b" })");
        return;
    }
    if (table->size() > kMostVolumes) {
        report(key, node->source(), fmt::format("has {} entries (0 to {} are possible)", table->size(), kMostVolumes));
        return;
    }
    for (const auto& [name, value] : *table) {
        const std::string called(name.str());
        if (const Complaint complaint = check_volume_name(called)) {
            report(key, name.source(), fmt::format("{} {}", config::quoted(called), *complaint));
            continue;
        }
        auto root = checked_text_in(key, value, check_path);
        Complaint complaint = root ? beside(*root, "storage.root", out.root) : std::nullopt;
        for (const auto& [other, other_root] : out.volumes) {
            complaint = root && !complaint ? beside(*root, fmt::format("the volume {}", config::quoted(other)), other_root) : complaint;
        }
        if (complaint) {
            report(key, value.source(), fmt::format("{} {}", config::quoted(*root), *complaint));
        } else if (root) {
            out.volumes.insert_or_assign(called, std::move(*root));
        }
    }
}

}  // namespace grit::config
