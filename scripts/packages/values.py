"""Random JSON values, with everything that two implementations may write differently."""

import base64
import json
import random
import struct

#: From the shortest to the longest: the ends, the switch to exponents (below 1e-4, from 1e16), ties.
FLOATS = [
    0.0,
    -0.0,
    1.0,
    0.1,
    -2.5,
    1e-4,
    1e-05,
    9.999e-05,
    1e15,
    1e16,
    123456789012345680.0,
    1e21,
    1e22,
    1e-7,
    5e-324,
    2.2250738585072014e-308,
    1.7976931348623157e308,
    93748758287411.62,
    2.0**53,
    9007199254740993.0,
    4.35,
    0.3,
    1 / 3,
    100.0,
    123456.0,
    1e100,
]
INTEGERS = [0, -1, 7, 2**31, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, 2**64 - 1, 2**64, 10**30]
STRINGS = [
    "",
    "a",
    "A",
    "é",
    "e\u0301",
    "\x7f",
    "\x00",
    "\x1f",
    '"\\/',
    "\u2028\u2029",
    "\uffff",
    "😀",
    "\ud7ff\ue000",
    "日本語",
    "\t\r\n\b\f",
    "</script>",
    "NaN",
    "1e5",
    "null",
]
LETTERS = 'ab_Z09 é\x7f"\\/~\u00ff\u0100\ue000\uff5e😀𝒳'


class Values:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.pick = self.random.choice

    def chance(self, share):
        return self.random.random() < share

    def upto(self, most):
        return self.random.randint(0, most)

    def text(self, alphabet, least, most):
        return "".join(self.pick(alphabet) for _ in range(self.random.randint(least, most)))

    def base64(self, size):
        return base64.b64encode(self.random.randbytes(size)).decode()

    def float(self):
        kind = self.upto(5)
        if kind == 0:
            return self.pick(FLOATS)
        if kind == 1:  # any bits at all, but no NaN and no infinity
            while True:
                (value,) = struct.unpack("<d", self.random.randbytes(8))
                if value - value == 0:
                    return value
        if kind == 2:  # short decimals around the switches of notation
            return float(f"{self.upto(99999)}e{self.random.randint(-12, 20)}")
        if kind == 3:  # quarters of large integers: the shortest digits are often a tie
            return self.random.randrange(2**49, 2**53) / self.pick([2, 4, 8, 64, 128])
        if kind == 4:
            return self.random.uniform(-1000, 1000)
        return float(self.random.randrange(10**17)) * self.pick([1, 10, 100, 1e3])

    def integer(self):
        kind = self.upto(2)
        if kind == 0:
            return self.pick(INTEGERS)
        sign = self.pick([1, -1])
        return sign * self.random.randrange(10 ** (30 if kind == 1 else 4))

    def string(self):
        return self.pick(STRINGS) if self.chance(0.5) else self.text(LETTERS, 0, 12)

    def value(self, depth):
        kind = self.upto(9 if depth else 6)
        if kind in (0, 1):
            return self.float()
        if kind == 2:
            return self.integer()
        if kind in (3, 4):
            return self.string()
        if kind in (5, 6):
            return self.pick([None, True, False])
        if kind == 7:
            return [self.value(depth - 1) for _ in range(self.upto(4))]
        return self.object(depth - 1)

    def object(self, depth):
        return {self.string(): self.value(depth) for _ in range(self.upto(5))}

    def spell(self, value):
        """The same value in other words, which Python's JSON reads as the same."""
        space = self.pick(["", "", " ", "\t"])
        if isinstance(value, dict):
            members = [f"{self.spell(k)}{space}:{space}{self.spell(v)}" for k, v in value.items()]
            self.random.shuffle(members)
            return "{" + f"{space},".join(members) + space + "}"
        if isinstance(value, list):
            return "[" + ",".join(space + self.spell(item) for item in value) + "]"
        if isinstance(value, str):
            text = json.dumps(value, ensure_ascii=self.chance(0.5))
            return text.replace("/", "\\/") if self.chance(0.1) else text
        if isinstance(value, float):
            short = f"{value:.17g}"
            forms = [repr(value), f"{value:.17e}", f"{value:.20E}"]
            return self.pick(forms + [short.replace("e", "E")] if "e" in short else forms)
        if value == 0 and value is not False and self.chance(0.2):
            return "-0"  # an integer to Python, which has one zero
        return json.dumps(value)
