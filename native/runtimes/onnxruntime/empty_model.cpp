#include "runtimes/onnxruntime/empty_model.hpp"

#include "runtimes/onnxruntime/operations.hpp"

namespace medlsam::onnx {
namespace {

constexpr char kIrVersion = 8;

// Fields of a protocol buffer. All numbers and lengths here are below 128, one byte each.
std::string number(int field, char value) {
  return {static_cast<char>(field << 3), value};
}
std::string bytes(int field, const std::string& value) {
  return std::string{static_cast<char>(field << 3 | 2), static_cast<char>(value.size())} + value;
}

}  // namespace

const std::vector<Ort::Model::DomainOpsetPair>& opsets() {
  static const std::vector<Ort::Model::DomainOpsetPair> list = {{"", 17}, {kMicrosoft, 1}, {kDomain, 1}};
  return list;
}

std::string empty_model() {
  // ModelProto: ir_version 1, graph 7, opset_import 8. GraphProto: name 2. OperatorSetIdProto: domain 1,
  // version 2.
  std::string model = number(1, kIrVersion) + bytes(7, bytes(2, "medlsam"));
  for (const auto& [domain, version] : opsets()) {
    model += bytes(8, bytes(1, domain) + number(2, static_cast<char>(version)));
  }
  return model;
}

}  // namespace medlsam::onnx
