#include "headrace/port/blob_store.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "headrace/delivery/file_blob_store.hpp"
#include "headrace/delivery/memory_blob_store.hpp"
#include "temporary_folder.hpp"

namespace headrace {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::byte>;

Bytes blob_of(std::size_t bytes) {
  Bytes blob(bytes);
  for (std::size_t i = 0; i < bytes; ++i) blob[i] = static_cast<std::byte>(i * 31);
  return blob;
}

struct MemoryBlobs {
  std::unique_ptr<BlobStore> store = std::make_unique<MemoryBlobStore>();
};
struct FileBlobs {
  test::TemporaryFolder folder;
  std::unique_ptr<BlobStore> store = FileBlobStore::open(folder.path().string()).value();
};

template <class Blobs>
struct EachBlobStore : testing::Test {
  Blobs blobs;
  BlobStore& store = *blobs.store;
};
using BlobStores = testing::Types<MemoryBlobs, FileBlobs>;
TYPED_TEST_SUITE(EachBlobStore, BlobStores);

// Claim:  what was put is there until it is removed, byte for byte, and equal payloads without an id are two blobs.
// Method: none, one and many bytes.
TYPED_TEST(EachBlobStore, KeepsUntilRemoved) {
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{100'000}}) {
    const Bytes blob = blob_of(bytes);
    const std::string first = this->store.put({}, blob).value();
    const std::string second = this->store.put({}, blob).value();
    EXPECT_NE(first, second);
    ASSERT_TRUE(this->store.remove(first));
    EXPECT_TRUE(this->store.remove(first));
    EXPECT_EQ(this->store.get(first, bytes).error().retry, Error::Retry::no);
    EXPECT_EQ(this->store.get(second, bytes).value(), blob);
  }
}

// Claim:  the same event's bytes are one blob however often they are put, also after they were removed; other bytes of
//         that event, and the same bytes of another event, are others.
// Method: put twice, removed, put again; other bytes; another id.
TYPED_TEST(EachBlobStore, KeepsOneOfAnEventsBytes) {
  const EventId id = EventId::of(1, 2, 3);
  const std::string first = this->store.put(id, blob_of(70)).value();
  EXPECT_EQ(this->store.put(id, blob_of(70)).value(), first);
  const std::string longer = this->store.put(id, blob_of(71)).value();
  const std::string other = this->store.put(EventId::of(1, 2, 4), blob_of(70)).value();
  Bytes changed = blob_of(70);
  changed[33] = std::byte{0};
  const std::string edited = this->store.put(id, changed).value();
  EXPECT_EQ((std::set<std::string>{first, longer, other, edited}.size()), 4U);
  ASSERT_TRUE(this->store.remove(first));
  EXPECT_FALSE(this->store.get(first, 100));
  EXPECT_EQ(this->store.get(edited, 100).value(), changed);
  EXPECT_EQ(this->store.put(id, blob_of(70)).value(), first);
  EXPECT_EQ(this->store.get(first, 100).value(), blob_of(70));
}

// Claim:  a blob of more bytes than wanted is an error that no retry helps.
// Method: at the limit, and one byte over.
TYPED_TEST(EachBlobStore, GivesNoMoreThanWanted) {
  const std::string reference = this->store.put({}, blob_of(20)).value();
  EXPECT_EQ(this->store.get(reference, 20).value().size(), 20U);
  EXPECT_NE(this->store.get(reference, 19).error().message().find("20 bytes"), std::string::npos);
  EXPECT_EQ(this->store.get(reference, 19).error().retry, Error::Retry::no);
}

// Claim:  a reference of somebody else's names nothing, and removing it harms nothing.
// Method: references of other stores, of no store, and paths out of a folder of blobs.
TYPED_TEST(EachBlobStore, ForeignReferencesNameNothing) {
  const std::string own = this->store.put({}, blob_of(3)).value();
  for (const std::string foreign :
       {"", "memory:", "memory:99", "file:", "file:../secret", "file:/etc/passwd", "s3:bucket",
        "file:00000000-0000-7000-8000-000000000000", "file:00000000-0000-7000-8000-000000000000/x",
        "file:00000000-0000-7000-8000-000000000000-0123456789abcdeF",
        "file:00000000-0000-7000-8000-000000000000-0123"}) {
    EXPECT_EQ(this->store.get(foreign, 1'000'000).error().retry, Error::Retry::no) << foreign;
    EXPECT_TRUE(this->store.remove(foreign)) << foreign;
  }
  EXPECT_TRUE(this->store.get(own, 3));
}

struct BlobFolder : testing::Test {
  test::TemporaryFolder folder;
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder.path()))
      found.push_back(entry.path().filename().string());
    return found;
  }
};

// Claim:  blobs outlive their store and may be read by another one of the same folder; the folder holds one file each
//         and nothing else.
// Method: written by one, read by the next; the folder is looked at.
TEST_F(BlobFolder, OutlivesTheProcess) {
  const std::string reference = FileBlobStore::open(folder.path().string()).value()->put({}, blob_of(50)).value();
  ASSERT_EQ(names().size(), 1U);
  EXPECT_EQ("file:" + names()[0], reference);
  EXPECT_EQ(FileBlobStore::open(folder.path().string()).value()->get(reference, 50).value(), blob_of(50));
}

// Claim:  what is put again finds the file of the first time, over a restart too, and leaves no other; one that is cut
//         short is written anew.
// Method: two stores of one folder; the file is cut in between.
TEST_F(BlobFolder, WhatIsPutAgainIsOneFile) {
  const EventId id = EventId::of(1, 2, 3);
  const std::string reference = FileBlobStore::open(folder.path().string()).value()->put(id, blob_of(50)).value();
  const auto again = FileBlobStore::open(folder.path().string()).value();
  EXPECT_EQ(again->put(id, blob_of(50)).value(), reference);
  ASSERT_EQ(names().size(), 1U);
  fs::resize_file(folder.path() / names()[0], 20);
  EXPECT_EQ(again->put(id, blob_of(50)).value(), reference);
  EXPECT_EQ(again->get(reference, 50).value(), blob_of(50));
  EXPECT_EQ(names().size(), 1U);
}

// Claim:  what a crash left half-written is removed once nobody can be writing it any more.
// Method: an old part, a new one, and an old file of somebody else.
TEST_F(BlobFolder, OldPartsAreRemoved) {
  const char* const old = "00000000-0000-7000-8000-000000000001.part";
  for (const char* name : {old, "00000000-0000-7000-8000-000000000002.part", "notes.part"})
    std::ofstream(folder / name) << "x";
  const auto hours_ago = fs::file_time_type::clock::now() - std::chrono::hours(2);
  fs::last_write_time(folder / old, hours_ago);
  fs::last_write_time(folder / "notes.part", hours_ago);
  ASSERT_TRUE(FileBlobStore::open(folder.path().string()));
  EXPECT_FALSE(fs::exists(folder / old));
  EXPECT_EQ(names().size(), 2U);
}

// Claim:  a folder that cannot be one is an error that names it; one that is gone says that a retry may help, and
//         leaves nothing.
// Method: a file of that name; a folder that is removed under the store.
TEST_F(BlobFolder, TroubleIsSaid) {
  const std::string file = (folder / "file").string();
  std::ofstream(file) << "x";
  EXPECT_NE(FileBlobStore::open(file).error().message().find(file), std::string::npos);
  const std::string gone = (folder / "a" / "b").string();
  const auto store = FileBlobStore::open(gone).value();
  fs::remove(gone);
  EXPECT_EQ(store->put({}, blob_of(1)).error().retry, Error::Retry::maybe);
}

}  // namespace
}  // namespace headrace
