#!/usr/bin/python3
"""auth-jwt against tokens that PyJWT made: what is let in, as whom, and what is not."""

import json
import os
import random
import sys
import tempfile
import time
import unittest
from pathlib import Path
from typing import Any

import jwt
from auth_cli import DENIED, INVALID, OK, UNAVAILABLE, Driver, b64, part
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

SECRET = "mC8v0Yz4Qw1nRk7TsXe2JbLhUa9GfPd5oI3"
OTHER = "Zt6rWq1Vb8Ns3Kj0Hx5Mf2Lc9Pd4Gy7Ua"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
KEYS: dict[str, Any] = {
    "RS256": RSA,
    "RS384": RSA,
    "RS512": RSA,
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "ES512": ec.generate_private_key(ec.SECP521R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
CURVES = {"ES256": ("P-256", 32), "ES384": ("P-384", 48), "ES512": ("P-521", 66)}


def number(value: int, size: int) -> str:
    return b64(value.to_bytes(size, "big"))


def pem(key: Any) -> bytes:
    out: bytes = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return out


def jwk(name: str, key: Any = None, **more: Any) -> dict[str, Any]:
    """The public key as RFC 7518 and 8037 write it, by hand."""
    key = key or KEYS[name]
    out: dict[str, Any] = {"kid": name, "alg": name, "use": "sig"}
    if name[0] == "R":
        n = key.public_key().public_numbers()
        size = (key.key_size + 7) // 8
        out |= {"kty": "RSA", "n": number(n.n, size), "e": number(n.e, 3)}
    elif name[:2] == "ES":
        p, (curve, size) = key.public_key().public_numbers(), CURVES[name]
        out |= {"kty": "EC", "crv": curve, "x": number(p.x, size)}
        out["y"] = number(p.y, size)
    else:
        raw = key.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw
        )
        out |= {"kty": "OKP", "crv": "Ed25519", "x": b64(raw)}
    out |= more
    return {k: v for k, v in out.items() if v is not None}


def claims(**more: Any) -> dict[str, Any]:
    now = int(time.time())
    out = {
        "iss": "flowforge",
        "aud": "flowforge",
        "sub": "ada",
        "tenant": "acme",
        "roles": ["operator", "author"],
        "iat": now,
        "nbf": now,
        "exp": now + 600,
        **more,
    }
    return {k: v for k, v in out.items() if v is not None}


def token(
    name: str = "ES256", key: Any = None, kid: str | None = "", **more: Any
) -> str:
    headers = {} if kid is None else {"kid": kid or name}
    if name[:2] == "HS":
        key = key or SECRET
        headers = {"kid": kid} if kid else {}
    made: str = jwt.encode(
        claims(**more), key or KEYS[name], algorithm=name, headers=headers
    )
    return made


def with_header(made: str, **header: Any) -> str:
    """Signed again with the header that is given."""
    raw = {"alg": "ES256", "kid": "ES256", **header}
    payload = made.split(".")[1]
    text = f"{part(raw)}.{payload}"
    algorithm = jwt.algorithms.get_default_algorithms()["ES256"]
    return f"{text}.{b64(algorithm.sign(text.encode(), KEYS['ES256']))}"


class Case(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = Path(folder.name)
        self.jwks = self.dir / "keys.json"

    def write(self, *keys: Any) -> None:
        """As rotation should: whole, under another name, then renamed."""
        fresh = self.dir / "fresh"
        fresh.write_text(json.dumps({"keys": list(keys)}))
        fresh.rename(self.jwks)

    def open(self, **options: object) -> Driver:
        driver = Driver("auth-jwt", "auth", **options)
        self.addCleanup(driver.close)
        return driver

    def with_all(self, **options: object) -> Driver:
        self.write(*(jwk(name) for name in KEYS))
        driver = self.open(jwks_file=self.jwks, **options)
        self.assertEqual({"code": OK}, driver.opened)
        return driver

    def denied(self, driver: Driver, credential: str | bytes, why: str) -> None:
        answer = driver.verify(credential)
        self.assertEqual(DENIED, answer["code"], f"{why}: {answer} {credential!r}")
        self.assertRegex(answer["error"], why)

    def refused(self, why: str, code: int = INVALID, **options: object) -> None:
        driver = self.open(**options)
        self.assertEqual(code, driver.opened["code"])
        self.assertRegex(driver.opened["error"], why)


class Accepting(Case):
    def test_each_algorithm_is_verified_by_its_own_key(self) -> None:
        driver = self.with_all()
        for name in KEYS:
            answer = driver.verify(token(name))
            self.assertEqual(OK, answer["code"], f"{name}: {answer}")
            self.assertEqual("ada", answer["subject"])
            self.assertEqual("acme", answer["tenant"])
            self.assertEqual(["operator", "author"], answer["roles"])

    def test_a_token_expires_for_the_core_when_it_does_here(self) -> None:
        end = int(time.time()) + 77
        answer = self.with_all(leeway="5s").verify(token(exp=end))
        self.assertEqual((end + 5) * 1_000_000, answer["expires_us"])

    def test_secrets_of_each_length_verify_their_hmac(self) -> None:
        secret = SECRET * 1 + OTHER
        driver = self.open(jwt_secret=secret, algorithms="HS256,HS384,HS512")
        for name in ("HS256", "HS384", "HS512"):
            self.assertEqual(OK, driver.verify(token(name, secret))["code"], name)

    def test_the_previous_secret_is_good_beside_the_present_one(self) -> None:
        driver = self.open(jwt_secret=SECRET, jwt_secret_previous=OTHER)
        for secret in (SECRET, OTHER):
            self.assertEqual(OK, driver.verify(token("HS256", secret))["code"])
        self.denied(driver, token("HS256", SECRET + "x"), "signature is wrong")

    def test_public_keys_in_pem_verify_whatever_the_key_id(self) -> None:
        file = self.dir / "keys.pem"
        names = ("RS256", "ES256", "ES384", "EdDSA")
        file.write_bytes(b"comment\n".join(pem(KEYS[name]) for name in names))
        driver = self.open(public_key_file=file)
        for name in names:
            for kid in (None, "anything"):
                self.assertEqual(OK, driver.verify(token(name, kid=kid))["code"], name)

    def test_keys_without_ids_do_not_hide_the_one_that_is_named(self) -> None:
        others = [ec.generate_private_key(ec.SECP256R1()) for _ in range(9)]
        file = self.dir / "keys.pem"
        file.write_bytes(b"".join(pem(key) for key in others[:8]))
        driver = self.with_all(public_key_file=file)
        self.assertEqual(OK, driver.verify(token())["code"])
        self.assertEqual(OK, driver.verify(token(key=others[7], kid=None))["code"])
        file.write_bytes(b"".join(pem(key) for key in others))
        self.refused("more than 8 keys for ES256 have no id", public_key_file=file)

    def test_an_rsa_key_in_pem_is_for_the_algorithm_that_is_listed(self) -> None:
        file = self.dir / "rsa.pem"
        file.write_bytes(pem(RSA))
        driver = self.open(public_key_file=file, algorithms="RS512")
        self.assertEqual(OK, driver.verify(token("RS512"))["code"])
        self.denied(driver, token("RS256"), "not known here")

    def test_claims_are_found_by_name_and_by_pointer(self) -> None:
        driver = self.with_all(
            subject_claim="https://idp.example/user",
            tenant_claim="/org/a~1b",
            roles_claim="/realm_access/roles",
        )
        made = token(
            sub=None,
            tenant=None,
            roles=None,
            org={"a/b": "acme"},
            realm_access={"roles": ["viewer"]},
            **{"https://idp.example/user": "grace"},
        )
        answer = driver.verify(made)
        self.assertEqual(("grace", "acme"), (answer["subject"], answer["tenant"]))
        self.assertEqual(["viewer"], answer["roles"])

    def test_roles_may_be_words_or_absent(self) -> None:
        driver = self.with_all()
        words = driver.verify(token(roles="operator, viewer author"))
        self.assertEqual(["operator", "viewer", "author"], words["roles"])
        self.assertEqual([], driver.verify(token(roles=None))["roles"])

    def test_a_token_without_a_tenant_gets_the_one_that_is_set(self) -> None:
        driver = self.with_all(tenant="default")
        self.assertEqual("default", driver.verify(token(tenant=None))["tenant"])
        self.assertEqual("acme", driver.verify(token())["tenant"])
        self.denied(driver, token(tenant=""), "tenant is not a name")
        self.denied(driver, token(tenant=7), "tenant is not a name")

    def test_the_audience_may_be_one_of_a_list(self) -> None:
        driver = self.with_all()
        self.assertEqual(OK, driver.verify(token(aud=["x", "flowforge"]))["code"])
        self.denied(driver, token(aud=["x", "y"]), "audience")
        self.denied(driver, token(aud=[["flowforge"]]), "audience")


class Refusing(Case):
    def test_claims_that_are_wrong_or_missing(self) -> None:
        driver = self.with_all(leeway="10s")
        now = int(time.time())
        table: list[tuple[str, dict[str, Any]]] = [
            ("expired", {"exp": now - 11}),
            ("no time of expiry", {"exp": None}),
            ("a time that is none", {"exp": "tomorrow"}),
            ("a time that is none", {"exp": -1}),
            ("a time that is none", {"exp": 1e300}),
            ("a time that is none", {"exp": True}),
            ("not valid yet", {"nbf": now + 100}),
            ("a time that is none", {"nbf": "now"}),
            ("issued in the future", {"iat": now + 100}),
            ("another issuer", {"iss": "flowforge2"}),
            ("another issuer", {"iss": None}),
            ("another issuer", {"iss": ["flowforge"]}),
            ("another audience", {"aud": "flow"}),
            ("another audience", {"aud": None}),
            ("who it is for", {"sub": None}),
            ("who it is for", {"sub": ""}),
            ("who it is for", {"sub": 7}),
            ("who it is for", {"sub": "a\nb"}),
            ("who it is for", {"sub": "a" * 257}),
            ("which tenant", {"tenant": None}),
            ("neither a list", {"roles": {"admin": True}}),
            ("not a name", {"roles": ["viewer", 1]}),
            ("more than 32", {"roles": ["viewer"] * 33}),
        ]
        for why, change in table:
            self.denied(driver, token(**change), why)

    def test_clocks_may_differ_by_the_leeway(self) -> None:
        driver = self.with_all(leeway="5m")
        now = int(time.time())
        good = token(exp=now - 200, nbf=now + 200, iat=now + 200)
        self.assertEqual(OK, driver.verify(good)["code"])

    def test_algorithms_that_are_not_the_keys(self) -> None:
        driver = self.with_all()
        made = token("RS256", kid="RS256")
        _, payload, _ = made.split(".")
        for header in (
            {"alg": "none"},
            {"alg": "None"},
            {"alg": "PS256"},
            {"alg": ""},
            {"alg": 7},
            {},
        ):
            self.denied(driver, f"{part(header)}.{payload}.{b64(b'x')}", "algorithm")
        self.denied(driver, f"{part({'alg': 'none'})}.{payload}.", "no signature")
        # The key is for another algorithm, though the signature is made with it.
        self.denied(driver, token("RS384", kid="RS256"), "not known here")
        self.denied(driver, token("ES256", kid="RS256"), "not known here")

    def test_the_public_key_is_no_secret_for_hmac(self) -> None:
        """libjwt alone lets this in."""
        file = self.dir / "rsa.pem"
        file.write_bytes(pem(RSA))
        drivers = [self.with_all(), self.open(public_key_file=file)]
        drivers.append(self.open(public_key_file=file, jwt_secret=SECRET))
        signer = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
        for kid in ({}, {"kid": "RS256"}):
            text = f"{part({'alg': 'HS256', **kid})}.{part(claims())}"
            for secret in (pem(RSA), pem(RSA).strip()):
                forged = f"{text}.{b64(signer.sign(text.encode(), secret))}"
                for driver in drivers:
                    self.denied(driver, forged, "not known here|signature is wrong")

    def test_headers_that_would_choose_the_judge(self) -> None:
        driver = self.with_all()
        made = token()
        self.assertEqual(OK, driver.verify(with_header(made))["code"])
        for typ in ("jwt", "at+jwt", "application/at+jwt"):
            self.assertEqual(OK, driver.verify(with_header(made, typ=typ))["code"])
        for why, header in [
            ("extensions", {"crit": ["exp"]}),
            ("extensions", {"b64": False}),
            ("key of its own", {"jwk": jwk("ES256")}),
            ("key of its own", {"jku": "https://evil.example/keys"}),
            ("key of its own", {"x5u": "https://evil.example/cert"}),
            ("key of its own", {"x5c": ["MII"]}),
            ("compressed", {"zip": "DEF"}),
            ("encrypted", {"enc": "A128GCM"}),
            ("another type", {"typ": "logout+jwt"}),
            ("another type", {"typ": 1}),
            ("another type", {"typ": "application/"}),
            ("key id", {"kid": 1}),
            ("key id", {"kid": "k" * 257}),
            ("not known here", {"kid": "../../etc/passwd"}),
            ("not known here", {"kid": "' OR 1=1 --"}),
        ]:
            self.denied(driver, with_header(made, **header), why)

    def test_what_is_no_token(self) -> None:
        driver = self.with_all()
        made = token()
        header, payload, signature = made.split(".")
        twice = b'{"alg":"ES256","alg":"ES256","kid":"ES256"}'
        for credential, why in [
            (b"", "three parts"),
            (b"..", "header"),
            (b"\xff\xfe.\xff.\xff", "header"),
            (f"{header}.{payload}", "three parts"),
            (f"{made}.x", "three parts"),
            (f"{header}..{signature}", "payload"),
            (f"{header}=.{payload}.{signature}", "header"),
            (f"{header}.{payload}.{signature}==", "signature"),
            (f"{header}.{payload}.", "signature"),
            (f" {made}", "header"),
            (f"{part(twice)}.{payload}.{signature}", "header"),
            (f"{part([])}.{payload}.{signature}", "header"),
            (f"{part(b'[' * 5000)}.{payload}.{signature}", "header"),
            (token(junk="x" * 8192), "longer than 8 KiB"),
            ("x" * 1_000_000, "longer than 8 KiB"),
        ]:
            self.denied(driver, credential, why)

    def test_claims_that_are_said_twice(self) -> None:
        driver = self.with_all()
        raw = json.dumps(claims()).encode()[:-1] + b', "sub": "root"}'
        made = jwt.api_jws.encode(
            raw, KEYS["ES256"], algorithm="ES256", headers={"kid": "ES256"}
        )
        self.denied(driver, made, "payload")

    def test_no_other_spelling_of_a_token_is_let_in(self) -> None:
        """Every bit of every character, and bits that base64 would leave over."""
        driver = self.with_all()
        chance = random.Random(7)
        for name in ("ES256", "EdDSA", "RS256"):
            made = token(name)
            places = chance.sample(range(len(made)), 120)
            for place in [*places, len(made) - 1]:
                bit = 1 << chance.randrange(7)
                changed = chr(ord(made[place]) ^ bit)
                if changed in "\n\0":
                    continue
                other = made[:place] + changed + made[place + 1 :]
                answer = driver.verify(other)
                self.assertEqual(DENIED, answer["code"], other)

    def test_base64_that_has_bits_left_over(self) -> None:
        """64 bytes are 86 digits, the last of which has four bits to spare."""
        driver = self.with_all()
        made = token()
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        last = alphabet.index(made[-1])
        self.assertEqual(0, last % 16)
        for spare in range(1, 16):
            self.denied(driver, made[:-1] + alphabet[last + spare], "signature")

    def test_no_sentence_repeats_the_credential(self) -> None:
        driver = self.with_all()
        for made in ("hunter2hunter2", token(kid="hunter2"), token(sub=["hunter2"])):
            self.assertNotIn("hunter2", driver.verify(made)["error"])
        self.assertNotIn("hunter2", driver.close())


class Rotating(Case):
    def test_refresh_takes_a_new_key_and_drops_a_removed_one(self) -> None:
        fresh = ec.generate_private_key(ec.SECP256R1())
        self.write(jwk("ES256"))
        driver = self.open(jwks_file=self.jwks, reload_interval="1h")
        before, after = token(), token(key=fresh, kid="new")
        self.denied(driver, after, "not known here")
        self.write(jwk("ES256"), jwk("ES256", fresh, kid="new"))
        self.assertEqual(OK, driver.refresh()["code"])
        self.assertEqual(OK, driver.verify(before)["code"])
        self.assertEqual(OK, driver.verify(after)["code"])
        self.write(jwk("ES256", fresh, kid="new"))
        self.assertEqual(OK, driver.refresh()["code"])
        self.denied(driver, before, "not known here")
        self.assertEqual(OK, driver.verify(after)["code"])

    def test_an_unknown_key_makes_it_look_again_but_not_each_time(self) -> None:
        fresh = ec.generate_private_key(ec.SECP256R1())
        self.write(jwk("ES256"))
        driver = self.open(jwks_file=self.jwks, reload_interval="1h")
        self.write(jwk("ES256", fresh, kid="new"))
        self.assertEqual(OK, driver.verify(token(key=fresh, kid="new"))["code"])
        self.write(jwk("ES256", fresh, kid="newer"))
        self.denied(driver, token(key=fresh, kid="newer"), "not known here")

    def test_a_key_without_an_id_is_looked_for_as_well(self) -> None:
        fresh = ec.generate_private_key(ec.SECP256R1())
        file = self.dir / "keys.pem"
        for kid in (None, "any"):
            file.write_bytes(pem(KEYS["ES256"]))
            driver = self.open(public_key_file=file, reload_interval="1h")
            file.write_bytes(pem(KEYS["ES256"]) + pem(fresh))
            self.assertEqual(OK, driver.verify(token(key=fresh, kid=kid))["code"])
        self.write(jwk("ES256", kid=None))
        driver = self.open(jwks_file=self.jwks, reload_interval="1h")
        self.write(jwk("ES256", kid=None), jwk("ES256", fresh, kid="new"))
        self.assertEqual(OK, driver.verify(token(key=fresh, kid="new"))["code"])

    def test_a_set_that_was_emptied_lets_nobody_in(self) -> None:
        self.write(jwk("ES256"))
        driver = self.open(jwks_file=self.jwks, reload_interval="1h")
        self.assertEqual(OK, driver.verify(token())["code"])
        self.write()
        self.assertEqual(OK, driver.refresh()["code"])
        self.denied(driver, token(), "not known here")
        self.assertIn("no key is left", driver.close())

    def test_a_file_that_breaks_leaves_the_keys_there_were(self) -> None:
        self.write(jwk("ES256"))
        driver = self.open(jwks_file=self.jwks)
        self.jwks.write_text("{")
        answer = driver.refresh()
        self.assertEqual(INVALID, answer["code"])
        self.assertRegex(answer["error"], "is not JSON")
        self.assertEqual(OK, driver.verify(token())["code"])
        self.jwks.unlink()
        self.assertEqual(UNAVAILABLE, driver.refresh()["code"])
        self.assertEqual(OK, driver.verify(token())["code"])
        self.denied(driver, token(kid="other"), "not known here")
        self.assertIn("keeps the keys it has", driver.close())

    def test_no_damage_to_the_keys_does_more_than_refuse_them(self) -> None:
        """Bytes changed, cut and doubled; whole files are good again."""
        chance = random.Random(8)
        self.write(*(jwk(name) for name in KEYS))
        whole = self.jwks.read_bytes()
        keys = self.dir / "keys.pem"
        pems = b"".join(pem(KEYS[name]) for name in ("RS256", "ES256", "EdDSA"))
        keys.write_bytes(pems)
        driver = self.open(jwks_file=self.jwks, public_key_file=keys)
        for file, text in ((self.jwks, whole), (keys, pems)):
            for _ in range(100):
                at, n = chance.randrange(len(text)), chance.randrange(3)
                piece = bytes(chance.randrange(256) for _ in range(n))
                file.write_bytes(text[:at] + piece + text[at + chance.randrange(3) :])
                answer = driver.refresh()
                self.assertIn(answer["code"], (OK, INVALID), answer)
            file.write_bytes(text)
            self.assertEqual(OK, driver.refresh()["code"])
            self.assertEqual(OK, driver.verify(token())["code"])


class Opening(Case):
    def test_without_any_key_it_is_not_opened(self) -> None:
        self.refused("jwks_file, public_key_file or jwt_secret")
        self.refused("needs a jwt_secret", jwt_secret_previous=SECRET, jwks_file="/x")

    def test_secrets_that_can_be_guessed(self) -> None:
        for secret, why in [
            ("change-me", "placeholder"),
            ("Change-Me-" + SECRET, "placeholder"),
            ("short", "has 5 bytes and must have 32"),
            ("a" * 64, "not random enough"),
            ("abcdefghijklmnop" * 3, "not random enough"),
            ("01" * 32, "not random enough"),
        ]:
            self.refused(why, jwt_secret=secret)
        self.refused(
            "jwt_secret_previous: ", jwt_secret=SECRET, jwt_secret_previous="x"
        )

    def test_secrets_are_not_in_the_refusal(self) -> None:
        driver = self.open(jwt_secret="hunter2")
        self.assertNotIn("hunter2", driver.opened["error"] + driver.close())

    def test_settings_that_are_wrong(self) -> None:
        for why, options in [
            ("algorithms: none is not known", {"algorithms": "none"}),
            ("algorithms: RS999 is not known", {"algorithms": "RS256, RS999"}),
            ("algorithms: the list is empty", {"algorithms": ","}),
            ("no key is left", {"algorithms": "ES256"}),
            ("jwt_secret: it has 35 bytes and HS512 wants 64", {"algorithms": "HS512"}),
            ("issuer: it is empty", {"issuer": ""}),
            ("audience: it is empty", {"audience": ""}),
            ("tenant: it is no name of 1 to 256 bytes", {"tenant": "a\tb"}),
            ("tenant: it is no name of 1 to 256 bytes", {"tenant": ""}),
            ("leeway", {"leeway": "10m"}),
            ("reload_interval", {"reload_interval": "0s"}),
        ]:
            self.refused(why, jwt_secret=SECRET, **options)

    def test_key_files_that_are_wrong(self) -> None:
        small = rsa.generate_private_key(public_exponent=65537, key_size=1024)
        off_curve = jwk("ES256") | {"y": jwk("ES256")["x"]}
        for why, keys in [
            ("key 1: it is no object", [7]),
            ("key 1: it has no type", [{}]),
            ('key 2: its "x" is not base64url', [jwk("RS256"), jwk("ES256", x="é")]),
            ("key 1: its numbers make no public key", [off_curve]),
            ("key 1: its numbers make no public key", [jwk("EdDSA", x="AAAA")]),
            ("key 1: its numbers make no public key", [jwk("RS256", e="Ag")]),
            ("has 1024 bits: use 2048", [jwk("RS256", small)]),
            ("same id", [jwk("ES256"), jwk("ES256")]),
            ("a private key", [jwk("ES256", d="AAAA")]),
            ("a shared secret", [{"kty": "oct", "k": "AAAA"}]),
            ("no key is left", [jwk("ES256", use="enc")]),
            ("no key is left", [jwk("ES256", key_ops=["sign"])]),
            ("no key is left", [jwk("RS256", alg="RSA-OAEP")]),
            ("no key is left", [jwk("ES256", alg="RS256")]),
            ("no key is left", [{"kty": "EC", "crv": "secp256k1"}]),
            ("more than 64 keys", [jwk("ES256", kid=str(i)) for i in range(65)]),
            ("no key is left", []),
        ]:
            self.write(*keys)
            self.refused(why, jwks_file=self.jwks)
        self.jwks.write_text('{"keys": [], "keys": []}')
        self.refused("is not JSON", jwks_file=self.jwks)
        self.jwks.write_text("[]")
        self.refused('no list "keys"', jwks_file=self.jwks)

    def test_files_that_are_no_files_of_keys(self) -> None:
        self.refused("cannot be read", UNAVAILABLE, jwks_file=self.dir / "none")
        self.refused("not a regular file", jwks_file=self.dir)
        pipe = self.dir / "pipe"
        os.mkfifo(pipe)
        self.refused("not a regular file", jwks_file=pipe)
        self.write(jwk("ES256"))
        self.jwks.chmod(0o666)
        self.refused("written by anybody", jwks_file=self.jwks)
        self.jwks.chmod(0o644)
        with self.jwks.open("ab") as file:
            file.truncate(2 << 20)
        self.refused("larger than 1 MiB", jwks_file=self.jwks)
        text = self.dir / "text.pem"
        text.write_text("nothing")
        self.refused("key 1 is not a public key in PEM", public_key_file=text)
        text.write_bytes(pem(RSA) + pem(RSA)[:100])
        self.refused("key 2 is not a public key in PEM", public_key_file=text)
        text.write_text("-----BEGIN PRIVATE KEY-----")
        self.refused("private key", public_key_file=text)


if __name__ == "__main__":
    sys.exit(0 if unittest.main(exit=False).result.wasSuccessful() else 1)
