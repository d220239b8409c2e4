"""The RSA key pair that signs tokens: made at first start, kept in a file only the service can read."""

import base64
import hashlib
import json
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair as PEM text, and its public half as a JSON Web Key (RFC 7517)."""

    private_pem: str
    public_pem: str
    jwk: dict[str, str]


def load_or_create_key(path: Path) -> SigningKey:
    """Read the key at path; the first process to come creates it, and all others get that same one."""
    if not path.exists():
        _create(path)
    private = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(private, rsa.RSAPrivateKey):
        raise TypeError(f"{path} holds a {type(private).__name__}; an RSA private key is needed")
    public = private.public_key()
    public_pem = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return SigningKey(path.read_text(), public_pem.decode(), _jwk(public.public_numbers()))


def _create(path: Path) -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as draft:
        draft.write(pem)
    # A hard link appears complete or not at all, and never replaces a key that another process made first.
    with suppress(FileExistsError):
        os.link(draft.name, path)
    Path(draft.name).unlink()


def _jwk(numbers: rsa.RSAPublicNumbers) -> dict[str, str]:
    modulus = _base64url(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big"))
    exponent = _base64url(numbers.e.to_bytes(3, "big"))
    members = {"e": exponent, "kty": "RSA", "n": modulus}
    # The key ID is the RFC 7638 thumbprint: the same key has the same ID on every machine.
    digest = hashlib.sha256(json.dumps(members, separators=(",", ":"), sort_keys=True).encode()).digest()
    return {**members, "alg": "RS256", "use": "sig", "kid": _base64url(digest)}


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
