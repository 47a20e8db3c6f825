#include "checkpoints/pickle.hpp"

#include <algorithm>
#include <bit>

#include "base/json.hpp"
#include "checkpoints/pickle_objects.hpp"
#include "checkpoints/pickle_source.hpp"
#include "checkpoints/pickle_stack.hpp"

namespace medlsam {
namespace {

// Opcodes of hostile or unusual files, so that the refusal can name them.
struct RefusedOpcode {
  std::uint8_t code;
  const char* name;
};
constexpr RefusedOpcode kRefused[] = {
    {'0', "POP"},         {'1', "POP_MARK"},   {'2', "DUP"},         {'F', "FLOAT"},
    {'I', "INT"},         {'L', "LONG"},       {'P', "PERSID"},      {'S', "STRING"},
    {'V', "UNICODE"},     {'d', "DICT"},       {'g', "GET"},         {'i', "INST"},
    {'l', "LIST"},        {'o', "OBJ"},        {'p', "PUT"},         {0x82, "EXT1"},
    {0x83, "EXT2"},       {0x84, "EXT4"},      {0x8f, "EMPTY_SET"},  {0x90, "ADDITEMS"},
    {0x91, "FROZENSET"},  {0x92, "NEWOBJ_EX"}, {0x96, "BYTEARRAY8"}, {0x98, "READONLY_BUFFER"},
    {0x97, "NEXT_BUFFER"}};

class Machine {
 public:
  Machine(std::span<const std::byte> bytes, const std::string& name) : source_(bytes, name) {}
  Pickle run();

 private:
  // Each function handles the opcodes of one kind and returns false for others.
  bool push_number(std::uint8_t opcode);
  bool push_text(std::uint8_t opcode);
  bool build_container(std::uint8_t opcode);
  bool use_memo(std::uint8_t opcode);
  bool use_global(std::uint8_t opcode);

  bool push(PickleValue value) {
    stack_.push(std::move(value));
    return true;
  }
  template <class Length>
  std::span<const std::byte> take_counted() {
    return source_.take(source_.take<Length>());
  }
  template <class Length>
  std::string_view take_text() {
    return as_text(take_counted<Length>());
  }
  bool push_long(std::span<const std::byte> digits);
  bool push_global(std::string_view module, std::string_view name);
  bool push_storage();
  bool append(const std::vector<PickleId>& items);
  bool set_items(const std::vector<PickleId>& items);
  bool reduce();
  bool make_object();
  bool build();
  [[noreturn]] void refuse_opcode(std::uint8_t opcode) const;

  PickleSource source_;
  PickleStack stack_{source_};
};

void Machine::refuse_opcode(std::uint8_t opcode) const {
  const auto* known = std::ranges::find(kRefused, opcode, &RefusedOpcode::code);
  source_.fail("the opcode " + std::to_string(opcode) +
               (known == std::end(kRefused) ? "" : std::string(" ") + known->name) +
               " is not one that tensors need; it is refused");
}

bool Machine::push_long(std::span<const std::byte> digits) {
  if (digits.size() > sizeof(std::int64_t)) return push(PickleOpaque{as_text(digits)});
  const bool negative = !digits.empty() && (digits.back() & std::byte{0x80}) != std::byte{0};
  std::int64_t value = negative ? -1 : 0;
  std::copy(digits.begin(), digits.end(), reinterpret_cast<std::byte*>(&value));
  return push(value);
}

bool Machine::push_number(std::uint8_t opcode) {
  switch (opcode) {
    case 'N':  // NONE
      return push(PickleNone{});
    case 0x88:  // NEWTRUE
      return push(true);
    case 0x89:  // NEWFALSE
      return push(false);
    case 'J':  // BININT
      return push(std::int64_t{source_.take<std::int32_t>()});
    case 'K':  // BININT1
      return push(std::int64_t{source_.take<std::uint8_t>()});
    case 'M':  // BININT2
      return push(std::int64_t{source_.take<std::uint16_t>()});
    case 0x8a:  // LONG1
      return push_long(take_counted<std::uint8_t>());
    case 0x8b: {  // LONG4
      const auto size = source_.take<std::int32_t>();
      if (size < 0) source_.fail("a number has a negative length");
      return push_long(source_.take(static_cast<std::uint64_t>(size)));
    }
    case 'G':  // BINFLOAT, the one big-endian number
      return push(std::bit_cast<double>(__builtin_bswap64(source_.take<std::uint64_t>())));
    default:
      return false;
  }
}

bool Machine::push_text(std::uint8_t opcode) {
  switch (opcode) {
    case 'U':   // SHORT_BINSTRING, Python 2's text
    case 0x8c:  // SHORT_BINUNICODE
      return push(take_text<std::uint8_t>());
    case 'T':  // BINSTRING
    case 'X':  // BINUNICODE
      return push(take_text<std::uint32_t>());
    case 0x8d:  // BINUNICODE8
      return push(take_text<std::uint64_t>());
    case 'C':  // SHORT_BINBYTES
      return push(PickleBytes{take_text<std::uint8_t>()});
    case 'B':  // BINBYTES
      return push(PickleBytes{take_text<std::uint32_t>()});
    case 0x8e:  // BINBYTES8
      return push(PickleBytes{take_text<std::uint64_t>()});
    default:
      return false;
  }
}

bool Machine::append(const std::vector<PickleId>& items) {
  auto& list = stack_.top_as<PickleList>("a list").items;
  list.insert(list.end(), items.begin(), items.end());
  return true;
}

bool Machine::set_items(const std::vector<PickleId>& items) {
  auto& dict = stack_.top_as<PickleDict>("a dictionary").items;
  if (items.size() % 2 != 0) source_.fail("a dictionary's key lacks its value");
  for (std::size_t i = 0; i < items.size(); i += 2) dict.emplace_back(items[i], items[i + 1]);
  return true;
}

bool Machine::build_container(std::uint8_t opcode) {
  switch (opcode) {
    case '(':  // MARK
      stack_.mark();
      return true;
    case ')':  // EMPTY_TUPLE
      return push(PickleTuple{});
    case 0x85:  // TUPLE1
    case 0x86:  // TUPLE2
    case 0x87:  // TUPLE3
      return push(PickleTuple{stack_.pop_items(opcode - 0x84u)});
    case 't':  // TUPLE
      return push(PickleTuple{stack_.pop_to_mark()});
    case ']':  // EMPTY_LIST
      return push(PickleList{});
    case 'a':  // APPEND
      return append(stack_.pop_items(1));
    case 'e':  // APPENDS
      return append(stack_.pop_to_mark());
    case '}':  // EMPTY_DICT
      return push(PickleDict{});
    case 's':  // SETITEM
      return set_items(stack_.pop_items(2));
    case 'u':  // SETITEMS
      return set_items(stack_.pop_to_mark());
    default:
      return false;
  }
}

bool Machine::use_memo(std::uint8_t opcode) {
  switch (opcode) {
    case 'q':  // BINPUT
      stack_.remember(source_.take<std::uint8_t>());
      return true;
    case 'r':  // LONG_BINPUT
      stack_.remember(source_.take<std::uint32_t>());
      return true;
    case 0x94:  // MEMOIZE
      stack_.remember_next();
      return true;
    case 'h':  // BINGET
      stack_.recall(source_.take<std::uint8_t>());
      return true;
    case 'j':  // LONG_BINGET
      stack_.recall(source_.take<std::uint32_t>());
      return true;
    default:
      return false;
  }
}

bool Machine::push_global(std::string_view module, std::string_view name) {
  const std::optional<PickleGlobal> global = find_global(module, name);
  if (!global) {
    constexpr std::size_t kShown = 80;
    source_.fail(
        "the global " +
        json_string(std::string(module.substr(0, kShown)) + "." + std::string(name.substr(0, kShown))) +
        " is not one that tensors need; it is refused. Save the model's state_dict() alone");
  }
  return push(*global);
}

bool Machine::reduce() {
  const auto& arguments = stack_.pop_as<PickleTuple>("a tuple of arguments");
  const auto& callee = stack_.pop_as<PickleGlobal>("a global to call");
  std::optional<PickleValue> made = call_global(stack_.values(), callee, arguments);
  if (!made) source_.fail("a global is called with other arguments than torch.save writes");
  // One list of pairs, made once, could otherwise be copied by every later instruction.
  if (const auto* dict = std::get_if<PickleDict>(&*made)) source_.spend(dict->items.size());
  return push(std::move(*made));
}

// NEWOBJ, by which an argparse.Namespace is saved. Only objects that are ignored may be made so.
bool Machine::make_object() {
  stack_.pop_as<PickleTuple>("a tuple of arguments");
  const auto& type = stack_.pop_as<PickleGlobal>("a type to make an object of");
  if (type.role != PickleGlobal::Role::kOpaque) source_.fail("NEWOBJ of a type that tensors need is refused");
  return push(PickleOpaque{});
}

// BUILD sets attributes of an object, such as the module versions in a state_dict; they are ignored.
bool Machine::build() {
  stack_.pop();
  const PickleValue& object = stack_.values()[stack_.top()];
  if (!std::holds_alternative<PickleDict>(object) && !std::holds_alternative<PickleOpaque>(object)) {
    source_.fail("BUILD of anything but a dictionary is refused");
  }
  return true;
}

bool Machine::push_storage() {
  const auto& id = stack_.pop_as<PickleTuple>("a tuple that names a storage");
  const std::optional<PickleStorage> storage = find_storage(stack_.values(), id);
  if (!storage)
    source_.fail("a persistent id names something other than a whole storage; save the file again");
  return push(*storage);
}

bool Machine::use_global(std::uint8_t opcode) {
  switch (opcode) {
    case 'c': {  // GLOBAL
      const std::string_view module = source_.take_line();
      return push_global(module, source_.take_line());
    }
    case 0x93: {  // STACK_GLOBAL
      const std::string_view name = stack_.pop_as<std::string_view>("a global's name");
      return push_global(stack_.pop_as<std::string_view>("a global's module"), name);
    }
    case 'R':  // REDUCE
      return reduce();
    case 0x81:  // NEWOBJ
      return make_object();
    case 'b':  // BUILD
      return build();
    case 'Q':  // BINPERSID
      return push_storage();
    default:
      return false;
  }
}

Pickle Machine::run() {
  const auto is_protocol = [](std::uint8_t version) { return version >= 2 && version <= 5; };
  if (source_.take_opcode() != 0x80 || !is_protocol(source_.take<std::uint8_t>())) {
    source_.fail("it is not a pickle of protocol 2 to 5");
  }
  for (;;) {
    const std::uint8_t opcode = source_.take_opcode();
    if (opcode == '.') break;  // STOP
    if (opcode == 0x95) {      // FRAME: a hint for readers of streams
      source_.take<std::uint64_t>();
      continue;
    }
    const bool known = push_number(opcode) || push_text(opcode) || build_container(opcode) ||
                       use_memo(opcode) || use_global(opcode);
    if (!known) refuse_opcode(opcode);
  }
  const PickleId root = stack_.pop();
  return {std::move(stack_.values()), root, source_.position()};
}

}  // namespace

Pickle parse_pickle(std::span<const std::byte> bytes, const std::string& name) {
  return Machine(bytes, name).run();
}

}  // namespace medlsam
