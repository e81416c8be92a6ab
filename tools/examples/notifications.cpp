// Notifications: an event that carries a reference to a picture, and a handler that fetches the picture when it wants
// it. What is small travels in the event. docs/guide/05-event-sourcing.md walks through it.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "headrace/delivery/file_blob_store.hpp"
#include "headrace/delivery/memory_dead_letter_store.hpp"
#include "headrace/headrace.hpp"
#include "headrace/port/claim_check.hpp"

namespace hr = headrace;
using namespace std::chrono_literals;

struct PictureTaken {
  std::uint64_t camera = 0;
  hr::Claim picture;
};
HEADRACE_EVENT(PictureTaken, "pictures.taken", key(camera), camera, picture)

constexpr std::string_view kTopic = "pictures.taken";

int run(const std::string& folder) {
  const hr::ClaimCheck claims(hr::FileBlobStore::open(folder).value(), {.others = {.travels_max = 64 << 10}});
  const auto letters = std::make_shared<hr::MemoryDeadLetterStore>();
  hr::Bus bus{{.workers = 0}, {.dead_letters = letters}};

  std::uint64_t taken = 0;
  auto counting = bus.subscribe<PictureTaken>([&](const PictureTaken&) { ++taken; });  // fetches nothing

  std::size_t bytes = 0;
  auto gate = bus.subscribe<PictureTaken>(
      {.name = "gate", .retry = hr::exponential(10ms, 2.0, 5)}, [&](const PictureTaken& event) -> hr::Outcome {
        if (event.camera != 7) return hr::done();  // nor does this
        const auto picture = claims.resolve(kTopic, event.picture);
        if (!picture) return hr::outcome_of(picture.error());  // away: again; gone: a dead letter
        bytes += picture->size();
        return hr::done();
      });
  bus.start();

  const auto publish = [&](std::uint64_t camera, std::size_t size) -> hr::Result<hr::Claim> {
    const hr::EventId id = hr::EventId::make();
    const std::string picture(size, 'x');
    auto claim = claims.check_in(kTopic, id, std::as_bytes(std::span(picture)));
    if (claim && !bus.publish(PictureTaken{camera, *claim}, {.id = id})) return hr::Error{"not published", ""};
    return claim;
  };
  if (!publish(1, 300'000) || !publish(7, 200'000) || !publish(7, 100)) return 1;
  while (bus.poll() > 0) {
  }
  std::printf("%llu pictures were taken, of which the gate fetched %zu bytes\n",
              static_cast<unsigned long long>(taken), bytes);

  // A picture that somebody discarded too early.
  const auto lost = publish(7, 100'000);
  if (!lost || !claims.discard(*lost)) return 1;
  while (bus.poll() > 0) {
  }
  const auto given_up = letters->list({}, 10);
  static_cast<void>(bus.stop(1s));
  if (!given_up || given_up->size() != 1) return 1;
  std::printf("one was given up: %s\n", given_up->front().reason.c_str());
  return taken == 4 && bytes == 200'100 ? 0 : 1;
}

int main() {
  std::string folder = (std::filesystem::temp_directory_path() / "notifications-XXXXXX").string();
  if (!::mkdtemp(folder.data())) return 1;
  const int code = run(folder);
  std::filesystem::remove_all(folder);
  return code;
}
