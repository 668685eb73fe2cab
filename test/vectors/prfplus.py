#!/usr/bin/env python3
"""Known answers for the key derivations of IKEv2 and IKEv1, which no RFC gives.

The inputs are made up and fixed; the outputs follow the formulas of these
sections and share no code with the implementation under test:

  IKEv2, RFC 7296: prf+ (2.13), SKEYSEED and the seven SK_ keys (2.14),
  AUTH with a pre-shared key (2.15).
  IKEv1, RFC 2409: SKEYID with a pre-shared key, SKEYID_d, _a and _e, HASH_I
  and HASH_R (5); HASH(1) to HASH(3) and KEYMAT of quick mode (5.5); the
  encryption keys, stretched where SKEYID_e is too short, and the IVs of
  phase 1 and phase 2 (Appendix B).

Run "python3 prfplus.py > prfplus.json" to write the vectors anew.
"""
import hashlib
import hmac
import json

HASH_ATTRIBUTE = {"md5": 1, "sha1": 2, "sha256": 4, "sha384": 5, "sha512": 6}
ZERO, ONE, TWO = b"\x00", b"\x01", b"\x02"


def fixed(label, size):
    return hashlib.shake_256(label.encode()).digest(size)


def prf(name, key, data):
    return hmac.new(key, data, name).digest()


def prf_plus(name, key, seed, size):
    out = block = b""
    for count in range(1, 256):
        if len(out) >= size:
            break
        block = prf(name, key, block + seed + bytes([count]))
        out += block
    return out[:size]


def feedback(name, key, first, rest, size):
    """K1 = prf(key, first), Kn = prf(key, Kn-1 | rest), cut to size."""
    out = block = prf(name, key, first)
    while len(out) < size:
        block = prf(name, key, block + rest)
        out += block
    return out[:size]


def payload(following, body):
    return bytes([following, 0]) + (len(body) + 4).to_bytes(2, "big") + body


def vector(section, name, algorithm, **fields):
    return {"section": section, "name": f"{name} {algorithm}", "hash": algorithm,
            **{key: value.hex() for key, value in fields.items()}}


def ikev2(name):
    ni, nr = fixed("v2 Ni", 32), fixed("v2 Nr", 24)
    spii, spir = fixed("v2 SPIi", 8), fixed("v2 SPIr", 8)
    gir = ZERO + fixed("v2 g^ir", 255)  # its leading zero counts
    skeyseed = prf(name, ni + nr, gir)
    seed, p = ni + nr + spii + spir, hashlib.new(name).digest_size
    sizes = {"sk_d": p, "sk_ai": 32, "sk_ar": 32, "sk_ei": 32, "sk_er": 32, "sk_pi": p, "sk_pr": p}
    keys, at, stream = {}, 0, prf_plus(name, skeyseed, seed, sum(sizes.values()))
    for key, size in sizes.items():
        keys[key], at = stream[at:at + size], at + size
    yield vector("2.13-2.14", "IKEv2 keys", name, ni=ni, nr=nr, gir=gir, spii=spii, spir=spir,
                 skeyseed=skeyseed, prfPlus=prf_plus(name, skeyseed, seed, 300), **keys)
    for role, skp, nonce, size, body in (
            ("initiator", keys["sk_pi"], nr, 300, bytes.fromhex("01000000c0000201")),
            ("responder", keys["sk_pr"], ni, 333, b"\x02\x00\x00\x00vpn.example.net")):
        psk, message = b"a secret of the two peers", fixed("v2 message " + role, size)
        maced = prf(name, skp, body)
        auth = prf(name, prf(name, psk, b"Key Pad for IKEv2"), message + nonce + maced)
        yield vector("2.15", f"IKEv2 PSK AUTH {role}", name, psk=psk, realMessage=message,
                     nonce=nonce, idPayloadBody=body, skp=skp, macedId=maced, auth=auth)


def ikev1(name):
    psk, ni, nr = b"another secret", fixed("v1 Ni", 20), fixed("v1 Nr", 32)
    cky_i, cky_r = fixed("v1 CKY-I", 8), fixed("v1 CKY-R", 8)
    gxi, gxr, gxy = fixed("v1 g^xi", 128), fixed("v1 g^xr", 128), ZERO + fixed("v1 g^xy", 127)
    sai_b = bytes.fromhex("00000001000000010000002c010100010000002401010000"  # AES-256, group 2
                          f"80010007800e01008002{HASH_ATTRIBUTE[name]:04x}8003000180040002800b0001800c7080")
    idii_b, idir_b = bytes.fromhex("011101f4c0000201"), bytes.fromhex("011101f4c6336402")
    skeyid = prf(name, psk, ni + nr)
    d = prf(name, skeyid, gxy + cky_i + cky_r + ZERO)
    a = prf(name, skeyid, d + gxy + cky_i + cky_r + ONE)
    e = prf(name, skeyid, a + gxy + cky_i + cky_r + TWO)

    def cipher_key(size):
        return e[:size] if len(e) >= size else feedback(name, e, ZERO, b"", size)

    def digest(data):
        return hashlib.new(name, data).digest()

    iv, last16, last8 = digest(gxi + gxr), fixed("v1 last block", 16), fixed("v1 last 3DES block", 8)
    yield vector("5, Appendix B", "IKEv1 phase 1", name, psk=psk, ni=ni, nr=nr, gxy=gxy,
                 ckyI=cky_i, ckyR=cky_r, gxi=gxi, gxr=gxr, sai_b=sai_b, idii_b=idii_b, idir_b=idir_b,
                 skeyid=skeyid, skeyid_d=d, skeyid_a=a, skeyid_e=e,
                 keyAes256=cipher_key(32), keyAes128=cipher_key(16), key3des=cipher_key(24),
                 hashI=prf(name, skeyid, gxi + gxr + cky_i + cky_r + sai_b + idii_b),
                 hashR=prf(name, skeyid, gxr + gxi + cky_r + cky_i + sai_b + idir_b),
                 phase1Iv16=iv[:16], phase1Iv8=iv[:8])
    msgid, ni2, nr2 = fixed("v1 M-ID", 4), fixed("v1 quick Ni", 16), fixed("v1 quick Nr", 28)
    spi, gqm = fixed("v1 SPI", 4), ZERO + fixed("v1 g(qm)^xy", 127)
    sa = bytes.fromhex(f"00000001000000010000002801030401{spi.hex()}"  # ESP, AES-256, HMAC-SHA-1
                       "0000001c010c00008001000180020708800400018005000280060100")
    ids = [bytes.fromhex(f"040000000a0{site}0000ffff0000") for site in (1, 2)]
    message1, message2 = (payload(10, sa) + payload(5, nonce) + payload(5, ids[0]) + payload(0, ids[1])
                          for nonce in (ni2, nr2))
    tail = b"\x03" + spi + ni2 + nr2
    yield vector("5.5, Appendix B", "IKEv1 quick mode", name, skeyid_d=d, skeyid_a=a, msgid=msgid,
                 lastPhase1Block16=last16, phase2Iv16=digest(last16 + msgid)[:16],
                 lastPhase1Block8=last8, phase2Iv8=digest(last8 + msgid)[:8],
                 ni=ni2, nr=nr2, message1=message1, message2=message2,
                 hash1=prf(name, a, msgid + message1), hash2=prf(name, a, msgid + ni2 + message2),
                 hash3=prf(name, a, ZERO + msgid + ni2 + nr2), protocol=b"\x03", spi=spi, gqmxy=gqm,
                 keymat=feedback(name, d, tail, tail, 144),
                 keymatPfs=feedback(name, d, gqm + tail, gqm + tail, 144))


if __name__ == "__main__":
    vectors = [{"source": "RFC 7296", **v} for name in HASH_ATTRIBUTE if name != "md5" for v in ikev2(name)]
    vectors += [{"source": "RFC 2409", **v} for name in HASH_ATTRIBUTE for v in ikev1(name)]
    print(json.dumps({"source": "formulas of RFC 7296 and RFC 2409, computed by prfplus.py",
                      "vectors": vectors}, indent=2))
