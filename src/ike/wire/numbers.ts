// Every number on the wire that we name, once, with the RFC that assigns it. Choices of our own live elsewhere.

type Table = Readonly<Record<string, number>>;

/** The name of a number in a table, or the number itself when nobody named it: for logs and errors. */
export function nameOf(table: Table, number: number): string {
  for (const [name, value] of Object.entries(table)) if (value === number) return name;
  return String(number);
}

export const PORT_IKE = 500; // RFC 7296 2
export const PORT_NAT_T = 4500; // RFC 3947 4, RFC 7296 2.23

/** Exchange types: RFC 2408 3.1 and RFC 2409 A (version 1), RFC 7296 3.1 (version 2). */
export const EXCHANGE = {
  IDENTITY_PROTECTION: 2,
  AGGRESSIVE: 4,
  INFORMATIONAL_V1: 5,
  QUICK_MODE: 32,
  IKE_SA_INIT: 34,
  IKE_AUTH: 35,
  CREATE_CHILD_SA: 36,
  INFORMATIONAL: 37,
} as const;

/** Header flags: RFC 2408 3.1 (E, C) and RFC 7296 3.1 (I, V, R). */
export const FLAG = {
  ENCRYPTION: 0x01,
  COMMIT: 0x02,
  INITIATOR: 0x08,
  VERSION: 0x10,
  RESPONSE: 0x20,
} as const;

/** Payload types of version 1: RFC 2408 3.1, RFC 3947 3.2; draft-ietf-ipsec-nat-t-ike-02 used 130 and 131. */
export const PAYLOAD_V1 = {
  NONE: 0,
  SA: 1,
  PROPOSAL: 2,
  TRANSFORM: 3,
  KE: 4,
  ID: 5,
  CERT: 6,
  CERTREQ: 7,
  HASH: 8,
  SIG: 9,
  NONCE: 10,
  NOTIFY: 11,
  DELETE: 12,
  VENDOR: 13,
  NAT_D: 20,
  NAT_OA: 21,
  FRAGMENT: 132, // as Cisco has it
  NAT_D_DRAFT: 130,
  NAT_OA_DRAFT: 131,
} as const;

/** Payload types of version 2: RFC 7296 3.2, RFC 7383 2.5. */
export const PAYLOAD_V2 = {
  NONE: 0,
  SA: 33,
  KE: 34,
  IDI: 35,
  IDR: 36,
  CERT: 37,
  CERTREQ: 38,
  AUTH: 39,
  NONCE: 40,
  NOTIFY: 41,
  DELETE: 42,
  VENDOR: 43,
  TSI: 44,
  TSR: 45,
  SK: 46,
  CP: 47,
  EAP: 48,
  SKF: 53,
} as const;

/** Protocol identifiers: RFC 2407 4.4.1, RFC 7296 3.3.1. */
export const PROTOCOL = { NONE: 0, ISAKMP: 1, AH: 2, ESP: 3 } as const;

export const DOI_IPSEC = 1; // RFC 2407 4.1
export const SIT_IDENTITY_ONLY = 1; // RFC 2407 4.2.1
export const KEY_IKE = 1; // RFC 2407 4.4.2

/** Phase 1 attributes: RFC 2409 A. */
export const ATTRIBUTE_P1 = {
  ENCRYPTION: 1,
  HASH: 2,
  AUTHENTICATION: 3,
  GROUP: 4,
  LIFE_TYPE: 11,
  LIFE_DURATION: 12,
  KEY_LENGTH: 14,
} as const;

/** Phase 2 attributes: RFC 2407 4.5; ESN: RFC 4304 2. */
export const ATTRIBUTE_P2 = {
  LIFE_TYPE: 1,
  LIFE_DURATION: 2,
  GROUP: 3,
  ENCAPSULATION: 4,
  AUTHENTICATION: 5,
  KEY_LENGTH: 6,
  ESN: 11,
} as const;

export const LIFE_SECONDS = 1; // RFC 2407 4.5
export const LIFE_KILOBYTES = 2;
/** Authentication methods of phase 1: RFC 2409 A. */
export const AUTH_V1 = { PRESHARED_KEY: 1, RSA_SIGNATURE: 3 } as const;

/** Authentication methods of version 2: RFC 7296 3.8, RFC 4754 3, RFC 7427 3. */
export const AUTH_V2 = {
  RSA_SIGNATURE: 1,
  SHARED_KEY: 2,
  ECDSA_256: 9,
  ECDSA_384: 10,
  ECDSA_521: 11,
  DIGITAL_SIGNATURE: 14,
} as const;

/** X.509 Certificate - Signature: RFC 2408 3.9 and RFC 7296 3.6 agree. */
export const CERT_X509_SIGNATURE = 4;

/** Encapsulation modes of version 1: RFC 2407 4.5, RFC 3947 5.1; the drafts used private numbers. */
export const ENCAPSULATION = {
  TUNNEL: 1,
  TRANSPORT: 2,
  UDP_TUNNEL: 3,
  UDP_TRANSPORT: 4,
  UDP_TUNNEL_DRAFT: 61443,
  UDP_TRANSPORT_DRAFT: 61444,
} as const;

/** Transform types of version 2: RFC 7296 3.3.2. */
export const TRANSFORM = { ENCR: 1, PRF: 2, INTEG: 3, KE: 4, ESN: 5 } as const;

export const ATTRIBUTE_KEY_LENGTH = 14; // RFC 7296 3.3.5

/** Identification types: RFC 2407 4.6.2.1, RFC 7296 3.5. */
export const ID = {
  IPV4_ADDR: 1,
  FQDN: 2,
  USER_FQDN: 3,
  IPV4_SUBNET: 4,
  IPV6_ADDR: 5,
  IPV6_SUBNET: 6,
  IPV4_RANGE: 7,
  IPV6_RANGE: 8,
  DER_DN: 9,
  DER_GN: 10,
  KEY_ID: 11,
} as const;

/** Traffic Selector types: RFC 7296 3.13.1. */
export const TS = { IPV4_RANGE: 7, IPV6_RANGE: 8 } as const;

/** Notify types of version 1: RFC 2408 3.14.1, RFC 2407 4.6.3, RFC 3706 5. */
export const NOTIFY_V1 = {
  INVALID_COOKIE: 4,
  INVALID_EXCHANGE_TYPE: 7,
  INVALID_FLAGS: 8,
  INVALID_MESSAGE_ID: 9,
  INVALID_SPI: 11,
  ATTRIBUTES_NOT_SUPPORTED: 13,
  NO_PROPOSAL_CHOSEN: 14,
  BAD_PROPOSAL_SYNTAX: 15,
  PAYLOAD_MALFORMED: 16,
  INVALID_KEY_INFORMATION: 17,
  INVALID_ID_INFORMATION: 18,
  INVALID_HASH_INFORMATION: 23,
  AUTHENTICATION_FAILED: 24,
  INVALID_SIGNATURE: 25,
  RESPONDER_LIFETIME: 24576,
  REPLAY_STATUS: 24577,
  INITIAL_CONTACT: 24578,
  R_U_THERE: 36136,
  R_U_THERE_ACK: 36137,
} as const;

/** Notify types of version 2: RFC 7296 3.10.1, and the RFCs named beside them. */
export const NOTIFY_V2 = {
  UNSUPPORTED_CRITICAL_PAYLOAD: 1,
  INVALID_IKE_SPI: 4,
  INVALID_MAJOR_VERSION: 5,
  INVALID_SYNTAX: 7,
  INVALID_MESSAGE_ID: 9,
  INVALID_SPI: 11,
  NO_PROPOSAL_CHOSEN: 14,
  INVALID_KE_PAYLOAD: 17,
  AUTHENTICATION_FAILED: 24,
  SINGLE_PAIR_REQUIRED: 34,
  NO_ADDITIONAL_SAS: 35,
  INTERNAL_ADDRESS_FAILURE: 36,
  FAILED_CP_REQUIRED: 37,
  TS_UNACCEPTABLE: 38,
  INVALID_SELECTORS: 39,
  UNACCEPTABLE_ADDRESSES: 40, // RFC 4555
  UNEXPECTED_NAT_DETECTED: 41, // RFC 4555
  TEMPORARY_FAILURE: 43,
  CHILD_SA_NOT_FOUND: 44,
  INITIAL_CONTACT: 16384,
  SET_WINDOW_SIZE: 16385,
  ADDITIONAL_TS_POSSIBLE: 16386,
  IPCOMP_SUPPORTED: 16387,
  NAT_DETECTION_SOURCE_IP: 16388,
  NAT_DETECTION_DESTINATION_IP: 16389,
  COOKIE: 16390,
  USE_TRANSPORT_MODE: 16391,
  REKEY_SA: 16393,
  ESP_TFC_PADDING_NOT_SUPPORTED: 16394,
  NON_FIRST_FRAGMENTS_ALSO: 16395,
  MOBIKE_SUPPORTED: 16396, // RFC 4555
  UPDATE_SA_ADDRESSES: 16400, // RFC 4555
  COOKIE2: 16401, // RFC 4555
  NO_NATS_ALLOWED: 16402, // RFC 4555
  AUTH_LIFETIME: 16403, // RFC 4478
  REDIRECT_SUPPORTED: 16406, // RFC 5685
  EAP_ONLY_AUTHENTICATION: 16417, // RFC 5998
  CHILDLESS_IKEV2_SUPPORTED: 16418, // RFC 6023
  QUICK_CRASH_DETECTION: 16419, // RFC 6290
  IKEV2_FRAGMENTATION_SUPPORTED: 16430, // RFC 7383
  SIGNATURE_HASH_ALGORITHMS: 16431, // RFC 7427
} as const;

/** The first number of a status notify; below it are errors (RFC 7296 3.10.1). */
export const NOTIFY_V2_STATUS = 16384;

/** Vendor IDs, hex: RFC 3706 5.1, RFC 3947 3.1 and what real peers send. */
export const VENDOR = {
  RACOON: '7003cbc1097dbe9c2600ba6983bc8b35',
  DPD: 'afcad71368a1f1c96b8696fc77570100',
  NAT_T_RFC3947: '4a131c81070358455c5728f20e95452f',
  NAT_T_DRAFT_02_N: '90cb80913ebb696e086381b5ec427b1f',
  NAT_T_DRAFT_02: 'cd60464335df21f87cfdb2fc68b6a448',
  NAT_T_DRAFT_03: '7d9419a65310ca6f2c179d9215529d56',
  XAUTH: '09002689dfd6b712',
  /** Followed by four octets that say which Windows. */
  MICROSOFT: '1e2b516905991c7d7c96fcbfb587e461',
  /** IKEv1 fragmentation; Cisco puts capabilities behind it. */
  FRAGMENTATION: '4048b7d56ebce88525e7de7f00d6c2d3',
  FRAGMENTATION_ANY_MODE: '4048b7d56ebce88525e7de7f00d6c2d380000000',
  STRONGSWAN: '882fe56d6fd20dbc2251613b2ebe5beb',
} as const;

/**
 * Algorithms that we do not speak, so that a refusal names what was offered (IANA's registries of RFC 2409 A, RFC 2407
 * 4.4.4 and RFC 7296 3.3.2). Those that we speak stand in crypto/algorithm.ts.
 */
export const FOREIGN_ENCRYPTION_P1 = { des: 1, idea: 2, blowfish: 3, rc5: 4, cast: 6, camellia: 8 } as const;
export const FOREIGN_HASH_P1 = { tiger: 3 } as const;
export const FOREIGN_ENCRYPTION = {
  ...{ 'des-iv64': 1, des: 2, rc5: 4, idea: 5, cast: 6, blowfish: 7, 'des-iv32': 9, null: 11, 'aes-ctr': 13 },
  ...{ 'aes-ccm8': 14, 'aes-ccm12': 15, 'aes-ccm16': 16, 'aes-gcm8': 18, 'aes-gcm12': 19, 'aes-gmac': 21 },
  ...{ camellia: 23, 'camellia-ctr': 24, 'camellia-ccm8': 25, 'camellia-ccm12': 26, 'camellia-ccm16': 27 },
  ...{ 'aes-ccm8-iiv': 29, 'aes-gcm16-iiv': 30, 'chacha20-poly1305-iiv': 31 },
} as const;
export const FOREIGN_INTEGRITY = {
  'des-mac': 3,
  'aes-xcbc': 5,
  'md5-128': 6,
  'sha1-160': 7,
  'aes-cmac': 8,
} as const;
export const FOREIGN_PRF = { tiger: 3, 'aes-xcbc': 4, 'aes-cmac': 8 } as const;
export const FOREIGN_GROUP = {
  ...{ modp768: 1, 'modp1024-160': 22, 'modp2048-224': 23, 'modp2048-256': 24, ecp192: 25, ecp224: 26 },
  ...{ brainpool224: 27, brainpool256: 28, brainpool384: 29, brainpool512: 30 },
  ...{ 'ml-kem-512': 35, 'ml-kem-768': 36, 'ml-kem-1024': 37 },
} as const;

/**
 * What we only name, for those who read other people's messages: exchanges, payloads, notifies, methods and Vendor IDs
 * that no code of ours acts on.
 */
export const NAMED_EXCHANGE_V1 = {
  BASE: 1,
  AUTHENTICATION_ONLY: 3,
  TRANSACTION: 6,
  NEW_GROUP_MODE: 33,
} as const;
export const NAMED_EXCHANGE_V2 = {
  IKE_SESSION_RESUME: 38, // RFC 5723
  GSA_AUTH: 39, // RFC 9838
  IKE_INTERMEDIATE: 43, // RFC 9242
  IKE_FOLLOWUP_KE: 44, // RFC 9370
} as const;

export const NAMED_PAYLOAD_V1 = { ATTR: 14, FRAG: 132 } as const; // draft-dukes-ike-mode-cfg, Cisco and Microsoft
export const NAMED_PAYLOAD_V2 = { GSPM: 49, PS: 54 } as const; // RFC 6467, RFC 8019

/** Authentication methods of phase 1 that we do not speak: RFC 2409 A, RFC 4754, draft-beaulieu-ike-xauth-02. */
export const FOREIGN_AUTH_V1 = {
  ...{ 'dss-signature': 2, 'rsa-encryption': 4, 'rsa-encryption-revised': 5 },
  ...{ 'ecdsa-256': 9, 'ecdsa-384': 10, 'ecdsa-521': 11, 'hybrid-rsa': 64221, 'hybrid-dss': 64223 },
  ...{ 'xauth-preshared-key': 65001, 'xauth-preshared-key (responder)': 65002 },
  ...{ 'xauth-rsa': 65005, 'xauth-rsa (responder)': 65006 },
} as const;

export const NAMED_NOTIFY_V1 = {
  INVALID_PAYLOAD_TYPE: 1,
  DOI_NOT_SUPPORTED: 2,
  SITUATION_NOT_SUPPORTED: 3,
  INVALID_MAJOR_VERSION: 5,
  INVALID_MINOR_VERSION: 6,
  INVALID_PROTOCOL_ID: 10,
  INVALID_TRANSFORM_ID: 12,
  INVALID_CERT_ENCODING: 19,
  INVALID_CERTIFICATE: 20,
  CERT_TYPE_UNSUPPORTED: 21,
  INVALID_CERT_AUTHORITY: 22,
  ADDRESS_NOTIFICATION: 26,
  NOTIFY_SA_LIFETIME: 27,
  CERTIFICATE_UNAVAILABLE: 28,
  UNSUPPORTED_EXCHANGE_TYPE: 29,
  UNEQUAL_PAYLOAD_LENGTHS: 30,
} as const;

export const NAMED_NOTIFY_V2 = {
  UNACCEPTABLE_ADDRESSES: 40, // RFC 4555
  UNEXPECTED_NAT_DETECTED: 41,
  USE_ASSIGNED_HOA: 42, // RFC 5026
  AUTHORIZATION_FAILED: 45, // RFC 9838
  STATE_NOT_FOUND: 47, // RFC 9370
  TS_MAX_QUEUE: 48, // RFC 9611
  HTTP_CERT_LOOKUP_SUPPORTED: 16392,
  ADDITIONAL_IP4_ADDRESS: 16397, // RFC 4555
  ADDITIONAL_IP6_ADDRESS: 16398,
  NO_ADDITIONAL_ADDRESSES: 16399,
  NO_NATS_ALLOWED: 16402,
  AUTH_LIFETIME: 16403, // RFC 4478
  MULTIPLE_AUTH_SUPPORTED: 16404, // RFC 4739
  ANOTHER_AUTH_FOLLOWS: 16405,
  REDIRECT: 16407, // RFC 5685
  REDIRECTED_FROM: 16408,
  TICKET_LT_OPAQUE: 16409, // RFC 5723
  TICKET_REQUEST: 16410,
  TICKET_ACK: 16411,
  TICKET_NACK: 16412,
  TICKET_OPAQUE: 16413,
  IKEV2_MESSAGE_ID_SYNC_SUPPORTED: 16420, // RFC 6311
  IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED: 16421,
  IKEV2_MESSAGE_ID_SYNC: 16422,
  IPSEC_REPLAY_COUNTER_SYNC: 16423,
  CLONE_IKE_SA_SUPPORTED: 16432, // RFC 7791
  CLONE_IKE_SA: 16433,
  PUZZLE: 16434, // RFC 8019
  USE_PPK: 16435, // RFC 8784
  PPK_IDENTITY: 16436,
  NO_PPK_AUTH: 16437,
  INTERMEDIATE_EXCHANGE_SUPPORTED: 16438, // RFC 9242
  IP4_ALLOWED: 16439, // RFC 8983
  IP6_ALLOWED: 16440,
  ADDITIONAL_KEY_EXCHANGE: 16441, // RFC 9370
  USE_AGGFRAG: 16442, // RFC 9347
  SUPPORTED_AUTH_METHODS: 16443, // RFC 9593
  SA_RESOURCE_INFO: 16444, // RFC 9611
} as const;

/** Hash algorithms of SIGNATURE_HASH_ALGORITHMS: RFC 7427 7, RFC 8420 2. */
export const SIGNATURE_HASH = { sha1: 1, sha256: 2, sha384: 3, sha512: 4, identity: 5 } as const;

/** Vendor IDs by the name that people know; one that stands for a family is a prefix. */
export const NAMED_VENDOR: Readonly<Record<string, string>> = {
  'racoon (KAME)': VENDOR.RACOON,
  'Dead Peer Detection': VENDOR.DPD,
  'NAT traversal (RFC 3947)': VENDOR.NAT_T_RFC3947,
  'NAT traversal (draft-00)': '4485152d18b6bbcd0be8a8469579ddcc',
  'NAT traversal (draft-02)': VENDOR.NAT_T_DRAFT_02,
  'NAT traversal (draft-02\\n)': VENDOR.NAT_T_DRAFT_02_N,
  'NAT traversal (draft-03)': VENDOR.NAT_T_DRAFT_03,
  'NAT traversal (draft-04)': '9909b64eed937c6573de52ace952fa6b',
  'NAT traversal (draft-05)': '80d0bb3def54565ee84645d4c85ce3ee',
  'NAT traversal (draft-06)': '4d1e0e136deafa34c4f3ea9f02ec7285',
  'NAT traversal (draft-07)': '439b59f8ba676c4c7737ae22eab8f582',
  'NAT traversal (draft-08)': '8f8d83826d246b6fc7a8a6a428c11de8',
  XAUTH: VENDOR.XAUTH,
  'Cisco Unity': '12f5f28c457168a9702d9fe274cc',
  'IKE fragmentation': VENDOR.FRAGMENTATION,
  'Windows (MS NT5 ISAKMPOAKLEY)': VENDOR.MICROSOFT,
  'Windows (negotiation discovery)': 'fb1de3cdf341b7ea16b7e5be0855f120',
  'Windows (initial contact)': '26244d38eddb61b3172a36e3d0cfb819',
  'Windows (CGA)': 'e3a5966a76379fe707228231e5ce8652',
  'Windows (AuthIP)': '214ca4faffa7f32d6748e5303395ae83',
  'Windows (key modules)': '01528bbbc00696121849ab9a1c5b2a51',
  strongSwan: VENDOR.STRONGSWAN,
};
