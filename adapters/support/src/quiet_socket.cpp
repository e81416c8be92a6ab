#include "quiet_socket.hpp"

#include <openssl/bio.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "headrace/base/check.hpp"

namespace headrace::adapter_support {
namespace {

int socket_of(BIO* bio) { return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))); }

int bio_write(BIO* bio, const char* bytes, int count) {
  BIO_clear_retry_flags(bio);
  ssize_t put = 0;
  do put = ::send(socket_of(bio), bytes, static_cast<std::size_t>(count), MSG_NOSIGNAL);
  while (put < 0 && errno == EINTR);
  if (put < 0 && errno == EAGAIN) BIO_set_retry_write(bio);
  return static_cast<int>(put);
}
int bio_read(BIO* bio, char* room, int count) {
  BIO_clear_retry_flags(bio);
  ssize_t got = 0;
  do got = ::recv(socket_of(bio), room, static_cast<std::size_t>(count), 0);
  while (got < 0 && errno == EINTR);
  if (got < 0 && errno == EAGAIN) BIO_set_retry_read(bio);
  return static_cast<int>(got);
}
long bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO_METHOD* method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "quiet socket");
    HEADRACE_CHECK("adapter.bio", made != nullptr, "no memory is left");
    BIO_meth_set_write(made, &bio_write);
    BIO_meth_set_read(made, &bio_read);
    BIO_meth_set_ctrl(made, &bio_control);
    return made;
  }();
  return method;
}

}  // namespace

BIO* quiet_socket(int fd) {
  BIO* const bio = BIO_new(method());
  HEADRACE_CHECK("adapter.bio", bio != nullptr, "no memory is left");
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace headrace::adapter_support
