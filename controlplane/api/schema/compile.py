#!/usr/bin/env python3
"""Turns *.schema (see README.md) into a C++ file of constant tables: compile.py OUT.cpp FILE.schema..."""

import re
import sys

SCALARS = {
    "string": "kString", "bool": "kBool", "int32": "kInt32", "int64": "kInt64", "double": "kDouble",
    "bytes": "kBytes", "Time": "kTime", "MicroTime": "kMicroTime", "Duration": "kDuration",
    "Quantity": "kQuantity", "IntOrString": "kIntOrString", "FieldsV1": "kFieldsV1",
}
GO_SCALARS = {
    "bytes": "[]uint8", "double": "float64", "Time": "v1.Time", "MicroTime": "v1.MicroTime",
    "Duration": "v1.Duration", "Quantity": "resource.Quantity", "IntOrString": "intstr.IntOrString",
    "FieldsV1": "v1.FieldsV1",
}
ATTRIBUTES = {
    "inline": "kInline", "required": "kRequired", "shown": "kShown", "omitempty": "kOmitEmpty",
    "patch=merge": "kPatchMerge", "patch=retainKeys": "kRetainKeys",
    "patch=merge,retainKeys": "kPatchMerge | kRetainKeys",
    "list=atomic": "kAtomic", "map=atomic": "kAtomic", "list=set": "kListSet", "kind": "kKind",
}


class Mistake(Exception):
    pass


def split_description(line):
    head, separator, text = line.partition(" : ")
    return head.split(), text.strip() if separator else ""


def parse(paths):
    """[(package, name, attributes, description, [field words and description])] in order of name."""
    found = {}
    for path in paths:
        package, fields = None, None
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                words, text = split_description(line.rstrip("\n"))
                if not words or words[0].startswith("#"):
                    continue
                if words[0] == "package":
                    package = words[1]
                elif words[0] == "message":
                    fields = []
                    if (package, words[1]) in found:
                        raise Mistake(f"{path}:{number}: {words[1]} is there twice")
                    found[package, words[1]] = (words[2:], text, fields)
                elif fields is not None and words[0].isdigit() and len(words) >= 3:
                    fields.append((f"{path}:{number}", words, text))
                else:
                    raise Mistake(f"{path}:{number}: not a package, message or field: {line!r}")
    return [(package, name, *rest) for (package, name), rest in sorted(found.items())]


def short(package):
    """k8s.io.api.core.v1 -> core; the name by which other packages refer to it."""
    return package.split(".")[-2]


def flags_of(words, where):
    flags, merge_key, list_keys = [], "", ""
    for word in words:
        if word in ATTRIBUTES:
            flags.append(ATTRIBUTES[word])
        elif word.startswith("merge="):
            merge_key = word[6:]
        elif word.startswith("list=map:"):
            list_keys = word[9:]
        else:
            raise Mistake(f"{where}: unknown attribute {word!r}")
    return flags, merge_key, list_keys


def text_literal(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def compile_field(package, index, where, words, text):
    number, json_name, type_text = words[0], words[1], words[2]
    shape, rest = "kOne", type_text
    if rest.startswith("[]"):
        shape, rest = "kList", rest[2:]
    elif match := re.match(r"map\[string(\(\w+\))?\]", rest):
        shape, rest = "kMap", rest[match.end():]
    pointer = rest.startswith("*")
    rest = rest.removeprefix("*")
    base, _, go_name = rest.rstrip(")").partition("(")
    message = -1
    if base in SCALARS:
        kind = SCALARS[base]
        go_type = "v1." + go_name if go_name else GO_SCALARS.get(base, base)
    else:
        scope, _, name = base.rpartition(".")
        key = (scope or short(package), name)
        if key not in index:
            raise Mistake(f"{where}: unknown type {type_text!r}")
        kind, message, go_type = "kMessage", index[key], "v1." + name
    flags, merge_key, list_keys = flags_of(words[3:], where)
    if pointer:
        flags.append("kPointer")
    flags_text = " | ".join(flags) or "0"
    return (f"    {{{text_literal(json_name)}, {text_literal(go_type)}, {text_literal(text)}, "
            f"{text_literal(merge_key)}, {text_literal(list_keys)}, {number}, "
            f"FieldType::{kind}, Shape::{shape}, {flags_text}, {message}}},")


def compile_all(paths):
    found = parse(paths)
    index = {(short(package), name): i for i, (package, name, *_) in enumerate(found)}
    fields, messages = [], []
    for package, name, attributes, text, lines in found:
        flags, _, _ = flags_of(attributes, name)
        first = len(fields)
        fields += [compile_field(package, index, *line) for line in lines]
        schema_name = "io." + package.replace("k8s.io.", "k8s.", 1) + "." + name
        messages.append(f"    {{{text_literal(name)}, {text_literal(schema_name)}, {text_literal(text)}, "
                        f"{first}, {len(lines)}, {' | '.join(flags) or '0'}}},")
    return f"""// Made by controlplane/api/schema/compile.py. Do not edit.
#include "controlplane/api/schema.hpp"

namespace fairlead::api {{
namespace {{
constexpr Field kFields[] = {{
{chr(10).join(fields)}
}};
constexpr Message kMessages[] = {{
{chr(10).join(messages)}
}};
}}  // namespace

std::span<const Message> messages() {{ return kMessages; }}
std::span<const Field> fields_of(const Message& message) {{
  return std::span(kFields).subspan(message.first_field, message.field_count);
}}
}}  // namespace fairlead::api
"""


if __name__ == "__main__":
    try:
        result = compile_all(sys.argv[2:])
    except Mistake as mistake:
        sys.exit(str(mistake))
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        out.write(result)
