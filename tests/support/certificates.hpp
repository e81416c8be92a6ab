#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server_process.hpp"

namespace headrace::test {

/// Makes a CA, in CA.crt, and in NAME.crt and NAME.key a certificate for localhost that it signed; all in the folder
/// of `files`.
inline void make_certificates(const ServerProcess& files, const std::string& ca, const std::string& name) {
  const auto run = [](std::vector<std::string> words) {
    ServerProcess tool;
    words.insert(words.begin(), "openssl");
    tool.start(words);
    EXPECT_EQ(tool.await_end(), 0) << tool.log();
  };
  const auto file = [&](const std::string& each) { return files.path(each); };
  run({"req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=" + ca, "-keyout",
       file(ca + ".key"), "-out", file(ca + ".crt")});
  run({"req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", file(name + ".key"), "-out",
       file(name + ".csr")});
  files.write("names", "subjectAltName=DNS:localhost\n");
  run({"x509", "-req", "-in", file(name + ".csr"), "-CA", file(ca + ".crt"), "-CAkey", file(ca + ".key"),
       "-CAcreateserial", "-days", "2", "-extfile", file("names"), "-out", file(name + ".crt")});
}

}  // namespace headrace::test
