#include "headrace/port/gated_source.hpp"

#include <utility>

namespace headrace {
namespace {

ConnectionLoop::Options woken_by_halt(SourceReader::Setup& setup, const SourceGate& gate) {
  if (setup.waits == SourceReader::Waits::on_inbox) {
    setup.loop.on_halt = [inbox = gate.inbox()] { inbox->nudge(); };
  }
  return std::move(setup.loop);
}

}  // namespace

SourceReader::SourceReader(Setup setup)
    : capabilities_(setup.capabilities),
      out_(setup.out),
      gate_(setup.capabilities.defer ? SettlementInbox::Defers::yes : SettlementInbox::Defers::no),
      loop_(woken_by_halt(setup, gate_)) {
  if (setup.waits == Waits::on_waker) gate_.on_change([waker = loop_.waker()] { waker->wake(); });
}

GatedSource::GatedSource(std::unique_ptr<SourceReader> reader) : reader_(std::move(reader)) {}

GatedSource::~GatedSource() { reader_->loop_.halt(); }

Status GatedSource::start(Deliver deliver) {
  if (Status good = reader_->check(); !good) return good;
  reader_->deliver_ = std::move(deliver);
  reader_->gate_.open();
  reader_->loop_.start(
      [reader = reader_.get()] {
        Status ended = reader->connect_and_serve();
        if (reader->out_ == SourceReader::Out::ends_with_connection) reader->gate_.inbox()->renew();
        return ended;
      },
      [reader = reader_.get()] { reader->cut(); });
  return Nothing{};
}

void GatedSource::pause() { reader_->gate_.set_paused(true); }
void GatedSource::resume() { reader_->gate_.set_paused(false); }

std::size_t GatedSource::stop(std::chrono::milliseconds deadline) {
  const std::size_t left = reader_->gate_.drain(deadline);
  reader_->loop_.halt();
  return left;
}

Health GatedSource::health() const { return reader_->loop_.health().get(); }
Capabilities GatedSource::capabilities() const { return reader_->capabilities_; }

}  // namespace headrace
