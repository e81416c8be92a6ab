"""Each lint, shown to fail: a small tree with one fault each, and the same tree without it."""

import tempfile
import unittest
from pathlib import Path

import atomics
import headers_alone
import includes
import words
from source import split


class Tree:
    """A temporary tree made from {path: text}."""

    def __init__(self, texts):
        self.texts = texts

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        root = Path(self.folder.name)
        for name, text in self.texts.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        return root

    def __exit__(self, *_):
        self.folder.cleanup()


class LintTest(unittest.TestCase):
    def finds(self, lint, texts, *expected):
        with Tree(texts) as root:
            found = [str(finding) for finding in lint.check(root)]
        self.assertEqual(len(found), len(expected), found)
        for text, wanted in zip(found, expected):
            self.assertIn(wanted, text)


class Splitting(LintTest):
    def test_comments_strings_and_digit_separators(self):
        code, comments = split('int a = 1\'000; // "x"\nf("// no"); /* b */ g(\'"\');')
        self.assertEqual(code.split("\n")[0].strip(), "int a = 1'000;")
        self.assertEqual(comments.split("\n")[0].strip(), '// "x"')
        self.assertNotIn("no", code + comments)
        self.assertIn("g(", code)


class Includes(LintTest):
    RING = "core/ring/include/headrace/ring/a.hpp"

    def test_the_rows_below_are_allowed(self):
        self.finds(includes, {self.RING: '#include <atomic>\n#include <sys/mman.h>\n#include "headrace/base/b.hpp"\n'})

    def test_a_higher_module(self):
        self.finds(includes, {self.RING: '\n#include "headrace/dispatch/b.hpp"\n'}, f"{self.RING}:2: headrace/dispatch")

    def test_a_neighbour(self):
        self.finds(includes, {self.RING: '#include <headrace/event/b.hpp>\n'}, "forbids event")

    def test_a_foreign_library(self):
        self.finds(includes, {self.RING: "#include <boost/any.hpp>\n"}, "standard library")

    def test_tests_and_benches(self):
        self.finds(includes, {self.RING: '#include "harness/bench.hpp"\n'}, "out of the module")

    def test_a_commented_include_is_none(self):
        self.finds(includes, {self.RING: '// #include "headrace/dispatch/b.hpp"\n'})

    def test_a_link_against_the_rule(self):
        self.finds(includes, {"core/ring/CMakeLists.txt": "headrace_module(ring DEPENDS base route)"}, "must not link route")

    def test_an_adapter_that_sees_the_dispatcher(self):
        self.finds(includes, {"adapters/redis/src/a.cpp": '#include "headrace/dispatch/b.hpp"\n'}, "forbids dispatch")

    def test_a_client_library_in_an_adapters_header(self):
        header = "adapters/redis/include/headrace/redis/a.hpp"
        self.finds(includes, {header: "#include <hiredis/hiredis.h>\n"}, "client libraries stop at src/")

    def test_what_adapters_share_in_a_public_header(self):
        include = '#include "headrace/adapter_support/a.hpp"\n'
        self.finds(includes, {"adapters/redis/src/a.cpp": include})
        self.finds(includes, {"adapters/redis/include/headrace/redis/a.hpp": include}, "no such module")


class Atomics(LintTest):
    A = "core/ring/a.hpp"
    PUBLISH = "Atomic<int> t_;\nt_.store(1, std::memory_order_release);  // P1 -> C1\n"
    TAKE = "t_.load(std::memory_order_acquire);  // C1 <- P1\n"
    TOLD = "".join(f"| {module} | `{label}` | why |\n" for module in ("core/ring", "core/route", "adapters/redis")
                   for label in ("P1 -> C1", "F1 <-> F2"))

    def finds(self, lint, texts, *expected):
        super().finds(lint, {"docs/memory-orders.md": self.TOLD, **texts}, *expected)

    def test_an_order_that_no_row_tells_of(self):
        self.finds(atomics, {self.A: self.PUBLISH + self.TAKE, "docs/memory-orders.md": "P1 -> C1\n"},
                   "P1 -> C1: no row", "C1 <- P1: no row")
        generated = "### core/ring/a.hpp\n| push | `t_.store(1, release)` | P1 -> C1 |\n"
        self.finds(atomics, {self.A: self.PUBLISH + self.TAKE, "docs/memory-orders.md": generated})

    def test_a_pair(self):
        self.finds(atomics, {self.A: self.PUBLISH + self.TAKE})

    def test_a_pair_across_files_of_a_module(self):
        self.finds(atomics, {self.A: self.PUBLISH, "core/ring/b.hpp": self.TAKE})

    def test_an_adapter_a_bench_and_the_tests_support(self):
        for path in ("adapters/redis/src/a.cpp", "bench/micro/a.cpp", "tests/support/a.hpp"):
            self.finds(atomics, {path: self.PUBLISH + self.TAKE})
            self.finds(atomics, {path: "std::atomic<int> t;\nint x = t.load();\n"}, "not named")

    def test_no_order(self):
        self.finds(atomics, {self.A: self.PUBLISH + self.TAKE + "int x = t_.load();  // C1 <- P1\n"}, "not named")

    def test_an_operator(self):
        self.finds(atomics, {self.A: "Atomic<int> t_;\n++t_;\n"}, "hidden seq_cst")

    def test_a_store_into_something_else(self):
        self.finds(atomics, {self.A: "Texts texts_;\ntexts_.store(text);\n"})

    def test_no_label(self):
        self.finds(atomics, {self.A: "t_.load(std::memory_order_relaxed);  // a hint\n"}, "no label")

    def test_a_fence_without_label(self):
        self.finds(atomics, {self.A: "asymmetric_fence_heavy();\n"}, "no label")

    def test_an_order_handed_on_without_label(self):
        self.finds(atomics, {self.A: "lane.store_word(0, std::memory_order_release);\n"}, "no label")

    def test_a_partner_that_is_missing(self):
        self.finds(atomics, {self.A: self.PUBLISH}, "nobody says `C1 <- P1`")

    def test_a_partner_in_another_module(self):
        self.finds(atomics, {self.A: self.PUBLISH, "core/route/b.hpp": self.TAKE}, "nobody says", "nobody says")

    def test_a_fence_pair_needs_both_ends(self):
        self.finds(atomics, {self.A: "atomic_fence(std::memory_order_seq_cst);  // F1 <-> F2\n"}, "`F2 <-> F1`")

    def test_a_reason_above_and_a_statement_over_lines(self):
        text = "// No partner: a hint.\nt_.load(std::memory_order_relaxed);\nif (t_.load(\n std::memory_order_relaxed))\n f();  // no partner: x\n"
        self.finds(atomics, {self.A: text})

    def test_a_label_in_a_header_essay_does_not_count(self):
        self.finds(atomics, {self.A: "/// C1 <- P1 consumer sees it\n\n" + self.PUBLISH}, "nobody says")


class Words(LintTest):
    def test_each(self):
        self.finds(words, {"core/a.hpp": "int a;  // TO" + "DO later\n"}, "issue")
        self.finds(words, {"docs/a.md": "see /ho" + "me/me/x\n"}, "one machine")
        self.finds(words, {"tests/unit/a.cpp": "std::this_thread::sleep_for(1ms);\n"}, "sleep")
        self.finds(words, {"core/a.cpp": "int a;\n" * 500}, "more than one concept")
        self.finds(words, {"core/a.hpp": "int a;  // done\n", "docs/a.md": "${x}/tmp/a and a/tmp/b\n"})


class HeadersAlone(LintTest):
    def faults(self, texts):
        with Tree(texts) as root:
            return [header for header, _ in headers_alone.check("g++", root, 1)[1]]

    def test_each(self):
        folder = "core/ring/include/headrace/ring/"
        good = "#pragma once\n#include <cstddef>\nstruct A { std::size_t size; };\n"
        self.assertEqual(self.faults({folder + "a.hpp": good}), [])
        self.assertEqual(self.faults({folder + "a.hpp": "#pragma once\nstruct A { std::string s; };\n"})[0], "headrace/ring/a.hpp")
        self.assertEqual(self.faults({folder + "a.hpp": "struct A {};\n"})[0], "headrace/ring/a.hpp")
        above = {"core/route/include/headrace/route/b.hpp": "#pragma once\n", folder + "a.hpp": '#include "headrace/route/b.hpp"\n'}
        self.assertEqual(self.faults(above)[0], "headrace/ring/a.hpp")

    def test_an_adapters_header(self):
        header = "adapters/redis/include/headrace/redis/a.hpp"
        port = {"core/port/include/headrace/port/b.hpp": "#pragma once\n"}
        self.assertEqual(self.faults({header: '#pragma once\n#include "headrace/port/b.hpp"\n', **port}), [])
        self.assertEqual(self.faults({header: "#pragma once\nstd::string s;\n", **port})[0], "headrace/redis/a.hpp")

    def test_together(self):
        twice = {f"core/{module}/include/headrace/{module}/a.hpp": f"#pragma once\nstruct A {{ int {module}; }};\n" for module in ("event", "ring")}
        self.assertEqual(self.faults(twice), ["all headers together"])


if __name__ == "__main__":
    unittest.main()
