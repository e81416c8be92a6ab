#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace headrace::program {

class TomlSection;

/// Where a server of a gateway's config is, and what it is told of us: a broker, or the memory of copies.
struct ServerConfig {
  std::string url;  ///< of servicebus a connection string, which may lie in the password's place instead
  std::filesystem::path password_file;  ///< resolved against the config's folder
  std::string password_variable;
  std::filesystem::path ca_file;  ///< where TLS is asked for; empty: the system's

  /// A secret that lies in a file or the environment is looked for when it is needed, not when the config is read.
  [[nodiscard]] ServerConfig without_secret() const { return {url, {}, {}, ca_file}; }
};

/// The keys of a server beside its url.
inline constexpr std::string_view kServerKeys[] = {"password_file", "password_variable", "ca_file"};

[[nodiscard]] ServerConfig read_server(TomlSection& section, const std::filesystem::path& folder);

/// An adapter's options of that server.
template <class Options>
[[nodiscard]] Options options_of(const ServerConfig& server) {
  Options options;
  options.url = server.url;
  options.password_file = server.password_file.string();
  options.password_variable = server.password_variable;
  if (!server.ca_file.empty()) options.tls.ca_file = server.ca_file.string();
  return options;
}

}  // namespace headrace::program
