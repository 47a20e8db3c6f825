// Options assigned by name from a JSON document. TypeScript writes the document, checks it and states the
// defaults (lib/training); here every member is required, and unknown ones are refused.
#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace medlsam::training {

class OptionFields;

// Options that name their own fields.
template <class Options>
concept Described = requires(Options& options, OptionFields& fields) {
  options.describe(fields);
};

// The members of one JSON object and the variables that they set.
class OptionFields {
 public:
  void add(const char* name, std::string& value);
  void add(const char* name, std::vector<std::string>& values);
  void add(const char* name, std::vector<int>& values);
  void add(const char* name, bool& value);
  void add(const char* name, double& value);
  void add(const char* name, std::int64_t& value);
  void add(const char* name, std::uint64_t& value);
  void add(const char* name, int& value);
  void add(const char* name, std::uint16_t& value);
  void add(const char* name, c10::ScalarType& value);  // "float32" or "bfloat16"
  template <Described Options>
  void add(const char* name, Options& options) {  // an object
    add_reader(name, [&options](JsonReader& json) { read_object(json, options); });
  }

  // Throws kBadArgument naming a member that is unknown, missing, repeated or of another type.
  void read(JsonReader& json);

  template <Described Options>
  static void read_object(JsonReader& json, Options& options) {
    OptionFields fields;
    options.describe(fields);
    fields.read(json);
  }

 private:
  using Reader = std::function<void(JsonReader&)>;
  struct Field {
    Reader read;
    bool found = false;
  };

  void add_reader(const char* name, Reader read);

  std::map<std::string, Field> fields_;
};

}  // namespace medlsam::training
