#include "gateway_server.hpp"

#include "toml_section.hpp"

namespace headrace::program {

ServerConfig read_server(TomlSection& section, const std::filesystem::path& folder) {
  return {section.text("url").value_or(""), section.file("password_file", folder),
          section.text("password_variable").value_or(""), section.file("ca_file", folder)};
}

}  // namespace headrace::program
