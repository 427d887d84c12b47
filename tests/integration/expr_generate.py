"""Random expressions that mean the same in CEL and here, unless one of us is wrong.

Most are well typed; now and then a part is replaced by one of another type, so that
errors and their absorption are compared too. Listed deviations are stepped around: no
selection from null, no map keys but strings, no large doubles turned into text.
"""

import random

VARIABLES = {
    "v": {
        "i": 7,
        "j": -3,
        "big": 9223372036854775807,
        "d": 2.5,
        "e": -0.125,
        "s": "héllo wörld",
        "t": "a,b,,c",
        "yes": True,
        "no": False,
        "none": None,
        "ints": [3, 1, 2, 3],
        "words": ["x", "yy", "", "zzz"],
        "mixed": [1, 1.0, "1", None, True, [1], {"k": 1}],
        "rows": [
            {"id": 1, "ok": True, "name": "a"},
            {"id": 2, "ok": False, "name": "b"},
            {"id": 3, "ok": True, "name": "c"},
        ],
        "map": {"a": 1, "b": 2, "c": 3},
        "empty": [],
        "void": {},
    }
}

TEXTS = ["", "a", "b", "ab", "héllo", "x,y", "1", "-12", "2.5", "true", "zz\\n", "日本"]
PATTERNS = [
    "^a",
    "b$",
    "[a-c]+",
    "h.l",
    "(a|b)*c",
    "\\\\d+",
    "x{2,3}",
    "(?i)HEL|L{2}|AB",
    "",
    "^$",
    "[^a-z]",
    "\\\\bw",
    "l{2}",
    "a(",
    "*",
]


class Generator:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.names: list[tuple[str, str]] = []  # macro variables in scope, with types

    def pick(self, *choices: str) -> str:
        return self.random.choice(choices)

    def expression(self) -> str:
        self.names = []
        kind = self.pick(
            "int",
            "int",
            "bool",
            "bool",
            "bool",
            "string",
            "double",
            "ints",
            "words",
            "map",
            "any",
        )
        return self.make(kind, 4)

    def make(self, kind: str, depth: int) -> str:
        if self.random.random() < 0.012:
            others = ["int", "bool", "string", "double", "ints", "words"]
            kind = self.pick(*others, "map" if kind == "any" else "int")
        if depth <= 0:
            return self.leaf(kind)
        text: str = getattr(self, "make_" + kind)(depth - 1)
        return text

    def leaf(self, kind: str) -> str:
        bound = [name for name, of in self.names if of == kind]
        if bound and self.random.random() < 0.6:
            return self.pick(*bound)
        match kind:
            case "int":
                if self.random.random() < 0.05:
                    return self.pick("v.big", "-9223372036854775808", "100", "-1")
                return self.pick(
                    "0",
                    "1",
                    "2",
                    "3",
                    "v.i",
                    "v.j",
                    "0x1F",
                    'v["i"]',
                    "v.map.b",
                    "1",
                    "2",
                )
            case "bool":
                return self.pick(
                    "true", "false", "v.yes", "v.no", "has(v.i)", "has(v.q)"
                )
            case "string":
                return self.pick("v.s", "v.t", *(f"'{text}'" for text in TEXTS))
            case "double":
                return self.pick("0.5", "1.0", "-2.25", "1e3", ".5", "v.d", "v.e")
            case "ints":
                return self.pick("v.ints", "[1, 2]", "[]", "v.empty", "[v.i, 3]")
            case "words":
                return self.pick("v.words", "['a', 'b']", "v.t.split(',')", "[]")
            case "map":
                return self.pick(
                    "v.map", "{'a': 1}", "{}", "v.void", "{'b': v.i, 'z': 0}"
                )
        return self.pick(
            "v.none", "null", "v.mixed", "v.rows", "v.i", "v.s", "v.d", "true"
        )

    def within(self, kind: str, make: str, depth: int) -> tuple[str, str]:
        """A macro variable of a kind, and a body that may use it."""
        name = self.pick("x", "y", "z")
        outer = self.names
        self.names = [n for n in outer if n[0] != name] + [(name, kind)]
        body = self.make(make, depth)
        self.names = outer
        return name, body

    def walked(self, depth: int, ordered: bool) -> tuple[str, str]:
        """Something a macro can walk, and the kind of its elements. Maps have an order
        with us, but not in cel-cpp."""
        kinds = [("ints", "int"), ("ints", "int"), ("words", "string")]
        over, kind = self.random.choice(
            kinds if ordered else [*kinds, ("map", "string")]
        )
        return self.make(over, depth), kind

    def make_any(self, d: int) -> str:
        return self.make(self.pick("int", "bool", "string", "double", "ints", "map"), d)

    def make_int(self, d: int) -> str:
        a, b = self.make("int", d), self.make("int", d)
        match self.random.randrange(14):
            case 0 | 1 | 2:
                return f"({a} {self.pick('+', '-', '*', '/', '%')} {b})"
            case 3:
                return f"{a} {self.pick('+', '-', '*')} {b}"
            case 4:
                return (
                    f"size({self.make(self.pick('string', 'ints', 'words', 'map'), d)})"
                )
            case 5:
                return f"-({a})"
            case 6:
                return f"({self.make('bool', d)} ? {a} : {b})"
            case 7:
                return f"{self.make('ints', d)}[{b}]"
            case 8:
                key = self.pick("a", "b", "q")
                return self.pick(f"({self.make('map', d)}).{key}", f"v.map['{key}']")
            case 9:
                source = self.make(self.pick("string", "double"), d)
                return f"int({source})"
            case 10:
                where = self.pick("indexOf", "lastIndexOf")
                more = self.pick("", f", {b}")
                wanted = self.make("string", 0)
                return f"{self.make('string', d)}.{where}({wanted}{more})"
            case 11:
                return f"math.{self.pick('greatest', 'least')}({a}, {b})"
            case 12:
                return f"v.rows[{b}].id"
        return self.leaf("int")

    def make_double(self, d: int) -> str:
        a, b = self.make("double", d), self.make("double", d)
        match self.random.randrange(5):
            case 0 | 1:
                return f"({a} {self.pick('+', '-', '*')} {b})"
            case 2:
                return f"double({self.make(self.pick('int', 'string'), d)})"
            case 3:
                return f"({self.make('bool', d)} ? {a} : -({b}))"
        return self.leaf("double")

    def make_bool(self, d: int) -> str:
        a, b = self.make("bool", d), self.make("bool", d)
        match self.random.randrange(15):
            case 0 | 1 | 2:
                return f"({a} {self.pick('&&', '||')} {b})"
            case 3:
                return f"!({a})"
            case 4 | 5:
                return self.comparison(d)
            case 6:
                kind = self.pick("int", "string", "ints", "map", "any", "double")
                other = self.pick(kind, "any")
                return (
                    f"({self.make(kind, d)} {self.pick('==', '!=')} "
                    f"{self.make(other, d)})"
                )
            case 7:
                return f"({self.make('int', d)} in {self.make('ints', d)})"
            case 8:
                return f"({self.make('string', d)} in {self.make('map', d)})"
            case 9 | 10:
                over, kind = self.walked(d, False)
                name, body = self.within(kind, "bool", d)
                macro = self.pick("all", "exists", "exists_one")
                return f"{over}.{macro}({name}, {body})"
            case 11:
                method = self.pick("contains", "startsWith", "endsWith")
                return f"{self.make('string', d)}.{method}({self.make('string', d)})"
            case 12:
                return f"{self.make('string', d)}.matches('{self.pick(*PATTERNS)}')"
            case 13:
                return f"has(v.{self.pick('map', 'void')}.{self.pick('a', 'zz')})"
        return f"(type({self.make('any', d)}) == {self.pick('int', 'string', 'list')})"

    def comparison(self, d: int) -> str:
        kind, other = self.random.choice(
            [
                ("int", "int"),
                ("int", "double"),
                ("double", "int"),
                ("string", "string"),
                ("bool", "bool"),
                ("double", "double"),
            ]
        )
        sign = self.pick("<", "<=", ">", ">=", "==", "!=")
        return f"({self.make(kind, d)} {sign} {self.make(other, d)})"

    def make_string(self, d: int) -> str:
        a, b = self.make("string", d), self.make("string", d)
        i, j = self.make("int", 0), self.make("int", 0)
        match self.random.randrange(12):
            case 0 | 1:
                return f"({a} + {b})"
            case 2:
                return f"string({self.make(self.pick('int', 'bool', 'string'), d)})"
            case 3:
                return (
                    f"{a}.{self.pick('lowerAscii', 'upperAscii', 'trim', 'reverse')}()"
                )
            case 4:
                return f"{a}.replace({self.leaf('string')}, {b})"
            case 5:
                return f"{a}.substring({self.pick(i, f'{i}, {j}')})"
            case 6:
                return f"{self.make('words', d)}.join({self.pick('', b)})"
            case 7:
                return f"{self.make('words', d)}[{i}]"
            case 8:
                return f"({self.make('bool', d)} ? {a} : {b})"
            case 9:
                return f"{a}.charAt({i})"
            case 10:
                return f"{a}.replace({self.leaf('string')}, {b}, {i})"
        return self.leaf("string")

    def make_ints(self, d: int) -> str:
        match self.random.randrange(7):
            case 0:
                return f"[{self.make('int', d)}, {self.make('int', d)}]"
            case 1:
                return f"({self.make('ints', d)} + {self.make('ints', d)})"
            case 2 | 3:
                over, kind = self.walked(d, True)
                name, body = self.within(kind, "int", d)
                if self.random.random() < 0.3:
                    _, test = self.within(kind, "bool", d)
                    return f"{over}.map({name}, {test}, {body})"
                return f"{over}.map({name}, {body})"
            case 4 | 5:
                name, body = self.within("int", "bool", d)
                return f"{self.make('ints', d)}.filter({name}, {body})"
        return self.leaf("ints")

    def make_words(self, d: int) -> str:
        match self.random.randrange(6):
            case 0:
                return f"[{self.make('string', d)}, {self.make('string', d)}]"
            case 1:
                more = self.pick("", f", {self.make('int', 0)}")
                return f"{self.make('string', d)}.split({self.leaf('string')}{more})"
            case 2:
                over, kind = self.walked(d, True)
                name, body = self.within(kind, "string", d)
                return f"{over}.map({name}, {body})"
            case 3:
                name, body = self.within("string", "bool", d)
                return f"{self.make('words', d)}.filter({name}, {body})"
        return self.leaf("words")

    def key(self, d: int) -> str:
        """Never 'a', which is there already: cel-cpp does not absorb that error."""
        return f"'k' + {self.make('string', d)}"

    def make_map(self, d: int) -> str:
        match self.random.randrange(3):
            case 0:
                return f"{{'a': {self.make('int', d)}, {self.key(d)}: 1}}"
            case 1:
                yes, no = self.make("map", d), self.make("map", d)
                return f"({self.make('bool', d)} ? {yes} : {no})"
        return self.leaf("map")

    def regex(self, depth: int = 3) -> str:
        """A pattern for matches(), as raw text. Without \\B, which in RE2 holds between
        the bytes of one character."""
        if depth == 0:
            return self.pick(
                "a",
                "b",
                "c",
                ".",
                "[ab]",
                "[^a]",
                "\\d",
                "\\w",
                "é",
                "\\.",
                "[[:alpha:]]",
                "\\s",
                "x",
                "",
                "[a-c\\d]",
                "\\x61",
                "\\W",
            )
        a, b = self.regex(depth - 1), self.regex(depth - 1)
        match self.random.randrange(9):
            case 0:
                return f"({a}|{b})"
            case 1:
                return (
                    f"({a}){self.pick('*', '+', '?', '*?', '{2}', '{1,3}', '{0,2}?')}"
                )
            case 2:
                return f"(?:{a}){self.pick('*', '{2,}')}{b}"
            case 3:
                return self.pick("^", "\\b", "\\A", "(?i)", "(?s)", "(?m)^") + a
            case 4:
                return a + self.pick("$", "\\z", "\\b")
            case 5:
                return f"(?i:{a}){b}"
        return a + b

    def subject(self) -> str:
        return "".join(self.random.choices("abcABx1é \n._", k=self.random.randrange(9)))
