#include "torch/training/option_fields.hpp"

#include <limits>
#include <utility>

#include "base/error.hpp"

namespace medlsam::training {
namespace {

template <class Value>
Value whole_number(JsonReader& json) {
  const std::int64_t value = json.integer();
  if (!std::in_range<Value>(value)) json.fail(std::to_string(value) + " is out of range");
  return static_cast<Value>(value);
}

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::kBadArgument, "The training options " + what + '.');
}

}  // namespace

void OptionFields::add_reader(const char* name, Reader read) {
  fields_[name] = {std::move(read), false};
}

void OptionFields::add(const char* name, std::string& value) {
  add_reader(name, [&value](JsonReader& json) { value = json.string(); });
}

void OptionFields::add(const char* name, std::vector<std::string>& values) {
  add_reader(name, [&values](JsonReader& json) { json.array([&] { values.push_back(json.string()); }); });
}

void OptionFields::add(const char* name, std::vector<int>& values) {
  add_reader(name,
             [&values](JsonReader& json) { json.array([&] { values.push_back(whole_number<int>(json)); }); });
}

void OptionFields::add(const char* name, bool& value) {
  add_reader(name, [&value](JsonReader& json) { value = json.boolean(); });
}

void OptionFields::add(const char* name, double& value) {
  add_reader(name, [&value](JsonReader& json) { value = json.number(); });
}

void OptionFields::add(const char* name, std::int64_t& value) {
  add_reader(name, [&value](JsonReader& json) { value = json.integer(); });
}

void OptionFields::add(const char* name, std::uint64_t& value) {
  add_reader(name, [&value](JsonReader& json) { value = json.natural(); });
}

void OptionFields::add(const char* name, int& value) {
  add_reader(name, [&value](JsonReader& json) { value = whole_number<int>(json); });
}

void OptionFields::add(const char* name, std::uint16_t& value) {
  add_reader(name, [&value](JsonReader& json) { value = whole_number<std::uint16_t>(json); });
}

void OptionFields::add(const char* name, c10::ScalarType& value) {
  add_reader(name, [&value](JsonReader& json) {
    const std::string text = json.string();
    if (text != "float32" && text != "bfloat16")
      json.fail(json_string(text) + " is not a precision for training");
    value = text == "float32" ? c10::ScalarType::Float : c10::ScalarType::BFloat16;
  });
}

void OptionFields::read(JsonReader& json) {
  json.object([&](const std::string& name) {
    const auto field = fields_.find(name);
    if (field == fields_.end()) refuse("have an unknown member, " + json_string(name));
    if (std::exchange(field->second.found, true)) refuse("have " + json_string(name) + " twice");
    field->second.read(json);
  });
  for (const auto& [name, field] : fields_) {
    if (!field.found) refuse("lack " + json_string(name));
  }
}

}  // namespace medlsam::training
