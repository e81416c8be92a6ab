#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/types.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>
#include <random>

#include "temporary_folder.hpp"
#include "writing_child.hpp"

namespace headrace::test {
namespace {

// From the kernel's fs/ext4: everything that is not on the device is gone, as by a power cut.
constexpr unsigned long kShutdown = _IOR('X', 125, __u32);
constexpr __u32 kWithoutFlushingTheLog = 2;

bool run(const std::string& command) { return std::system((command + " >/dev/null 2>&1").c_str()) == 0; }

/// An ext4 in a file, mounted where only this process sees it.
class CuttableDisk {
 public:
  CuttableDisk() : image_(folder_ / "disk.img"), mounted_(folder_ / "disk") {
    std::filesystem::create_directory(mounted_);
    static const bool own_mounts =
        ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    usable_ = own_mounts && run("truncate -s 64M " + image_.string()) &&
              run("mkfs.ext4 -q -F " + image_.string()) && mount();
  }
  ~CuttableDisk() { unmount(); }
  CuttableDisk(const CuttableDisk&) = delete;
  CuttableDisk& operator=(const CuttableDisk&) = delete;

  [[nodiscard]] bool usable() const { return usable_; }
  [[nodiscard]] std::filesystem::path file() const { return mounted_ / "events.db"; }

  [[nodiscard]] bool cut() const {
    const int folder = ::open(mounted_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    __u32 how = kWithoutFlushingTheLog;
    const bool done = folder >= 0 && ::ioctl(folder, kShutdown, &how) == 0;
    ::close(folder);
    return done;
  }
  [[nodiscard]] bool power_up() const { return unmount() && mount(); }

 private:
  [[nodiscard]] bool mount() const {
    return run("mount -t ext4 -o loop " + image_.string() + " " + mounted_.string());
  }
  bool unmount() const { return run("umount " + mounted_.string()); }

  TemporaryFolder folder_;
  std::filesystem::path image_, mounted_;
  bool usable_ = false;
};

/// Everything of a file is looked at after each of its cuts.
constexpr std::uint64_t kCutsAFile = 20;

struct Cuts {
  std::string skipped;  ///< why, if the machine does not allow it
  std::uint64_t acknowledged = 0;
  std::vector<std::string> faults;
};

Cuts cut_often(std::uint64_t cuts, SqliteDurability durability, std::size_t wal_pages) {
  CuttableDisk disk;
  Cuts story;
  if (!disk.usable()) {
    story.skipped = "this machine does not let the test mount an ext4 of its own (root, loop devices, mkfs.ext4)";
    return story;
  }
  SqliteOptions options;
  options.durability = durability;
  options.wal_pages = wal_pages;
  std::mt19937_64 random(cuts);
  std::vector<Acknowledged> acknowledged;
  for (std::uint64_t cut = 0; cut < cuts; ++cut) {
    if (cut % kCutsAFile == 0) {
      options.file = disk.file().string() + "-" + std::to_string(cut / kCutsAFile);
      acknowledged.clear();
    }
    WritingChild child(append_for_ever(options, Honesty::acknowledges_when_stored));
    child.wait_for(1 + random() % 60);
    if (!disk.cut()) {
      story.skipped = "this kernel cannot shut an ext4 down (EXT4_IOC_SHUTDOWN)";
      return story;
    }
    const auto said = child.kill();
    acknowledged.insert(acknowledged.end(), said.begin(), said.end());
    story.acknowledged += said.size();
    if (!disk.power_up()) {
      story.faults = {"the file system does not come back"};
      return story;
    }
    story.faults = faults_of(options.file, kWriters, acknowledged);
    if (!story.faults.empty()) return story;
  }
  return story;
}

// Claim:  with durability full a power cut takes nothing that was acknowledged.
// Method: cut the power of a real ext4 after a random number of acknowledgements, start again, look at everything;
//         HEADRACE_POWER_CUTS says how often, 200 without.
TEST(StorePowerCut, TakesNothingAcknowledged) {
  const Cuts story = cut_often(from_environment("HEADRACE_POWER_CUTS", 200), SqliteDurability::full, 40);
  if (!story.skipped.empty()) GTEST_SKIP() << "SKIPPED: " << story.skipped;
  EXPECT_TRUE(story.faults.empty()) << story.faults[0];
  EXPECT_GT(story.acknowledged, 0U);
}

// Claim:  the test above finds a store that acknowledges before the disk has it.
// Method: the same with durability normal, which promises no more than a crash of the process, and a log that is
//         never moved into the file, which would flush it.
TEST(StorePowerCut, TheHarnessFindsALostTail) {
  const Cuts story = cut_often(5, SqliteDurability::normal, 1'000'000);
  if (!story.skipped.empty()) GTEST_SKIP() << "SKIPPED: " << story.skipped;
  EXPECT_FALSE(story.faults.empty());
}

}  // namespace
}  // namespace headrace::test
