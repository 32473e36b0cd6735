// ShardedMap: a map from text to a value that never changes once made, of which a changed copy is
// cheap. Readers hold one version without a lock while writers make the next: only the shards that
// a change touches are copied (1/256 of the entries each), all others are shared between versions.

#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace countersign::provider {

template <typename T>
class ShardedMap final {
 public:
  // Null if it is not there. Valid while this version (or another that shares the shard) lives.
  const T* find(std::string_view key) const {
    const size_t hash = std::hash<std::string_view>{}(key);
    const auto& shard = shards_[shard_of(hash)];
    if (!shard) return nullptr;
    const auto found = shard->find(key);
    return found == shard->end() ? nullptr : &found->second;
  }

  size_t size() const {
    size_t total = 0;
    for (const auto& shard : shards_) total += shard ? shard->size() : 0;
    return total;
  }

  class Editor;

 private:
  static constexpr size_t shard_count = 256;
  struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  using Shard = std::unordered_map<std::string, T, TextHash, std::equal_to<>>;
  // The upper bits: the shard's own buckets use the lower ones.
  static size_t shard_of(size_t hash) { return hash >> (sizeof(size_t) * 8 - 8); }

  std::array<std::shared_ptr<const Shard>, shard_count> shards_;
};

// Makes the next version of a map. The map it started from stays as it is.
template <typename T>
class ShardedMap<T>::Editor final {
 public:
  explicit Editor(ShardedMap base) : map_(std::move(base)) {}

  void set(std::string_view key, T value) {
    own(key).insert_or_assign(std::string(key), std::move(value));
  }
  void erase(std::string_view key) {
    if (!map_.find(key)) return;
    Shard& shard = own(key);
    shard.erase(shard.find(key));
  }
  // Erases every entry for which `expired` is true; copies only shards that have one.
  void erase_if(const std::function<bool(const T&)>& expired) {
    for (size_t i = 0; i < shard_count; ++i) {
      const auto& shard = map_.shards_[i];
      if (!shard) continue;
      const bool any =
          std::ranges::any_of(*shard, [&](const auto& item) { return expired(item.second); });
      if (any) std::erase_if(own_shard(i), [&](const auto& item) { return expired(item.second); });
    }
  }
  const T* find(std::string_view key) const { return map_.find(key); }
  // The editor is used up.
  ShardedMap finish() { return std::move(map_); }

 private:
  Shard& own(std::string_view key) {
    return own_shard(shard_of(std::hash<std::string_view>{}(key)));
  }
  Shard& own_shard(size_t index) {
    if (!owned_[index]) {
      const auto& old = map_.shards_[index];
      owned_[index] = old ? std::make_shared<Shard>(*old) : std::make_shared<Shard>();
      map_.shards_[index] = owned_[index];
    }
    return *owned_[index];
  }

  ShardedMap map_;
  std::array<std::shared_ptr<Shard>, shard_count> owned_;
};

}  // namespace countersign::provider
