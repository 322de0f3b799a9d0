/**
 * A certificate of X.509 version 1 for tests, with its authority: openssl makes none any more from
 * its version 3.2 on. Nothing else may trust them.
 *
 * @module
 */

/** The authority, of version 3. */
export const AUTHORITY_PEM = `-----BEGIN CERTIFICATE-----
MIIBlTCCATugAwIBAgIUeFiGWdKmx+5hYi7Mwlu2CHbgz4wwCgYIKoZIzj0EAwIw
HzEdMBsGA1UEAwwUdGVzdCBvbmx5LCBhdXRob3JpdHkwIBcNMjYxMTIyMTA1MzA3
WhgPMjEyNjEwMjkxMDUzMDdaMB8xHTAbBgNVBAMMFHRlc3Qgb25seSwgYXV0aG9y
aXR5MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEQx9OPDXFJfeuTHDkfFu+oEgS
BmnuQ6LRZgdC6CuwJUc1ahm33B0a7ZlYRspAY6c+z4YlkBBRiToP3rMFg88Bl6NT
MFEwHQYDVR0OBBYEFHjAwxUEbVtHvmZvpXRwnYclaVMiMB8GA1UdIwQYMBaAFHjA
wxUEbVtHvmZvpXRwnYclaVMiMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwID
SAAwRQIhAKD561/Ipl+gswOr2+kOZ1jMpG407JLfyAy4CPF73mWbAiA2RFAepRMb
mqgifdmRP0WyRcAQsuqhVBmLHAztmUUjTA==
-----END CERTIFICATE-----
`;

/** The certificate of version 1 that it has signed. */
export const VERSION1_PEM = `-----BEGIN CERTIFICATE-----
MIIBOzCB4QIUMJfOV/K+q5U0wxqyXffm+BZ83K0wCgYIKoZIzj0EAwIwHzEdMBsG
A1UEAwwUdGVzdCBvbmx5LCBhdXRob3JpdHkwIBcNMjYxMTIyMTA1MzA3WhgPMjEy
NjEwMjkxMDUzMDdaMB8xHTAbBgNVBAMMFHRlc3Qgb25seSwgdmVyc2lvbiAxMFkw
EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEMnE0dJtN4BpaowUUbCWPzkugTusB1dkP
u/glgLRnKbUBDfyYClvYHyfVPTMoeCqlENkjb7SutnRU1//0by5AAzAKBggqhkjO
PQQDAgNJADBGAiEArl1sP7J2/FtTb1cRcryD52ED1V6mJcDsIJ1fM6PtXqwCIQDu
Z8WEpNmpiKlAdjtiRSP+ySTj2x460SJRVzhAE9AcDA==
-----END CERTIFICATE-----
`;

/** Its private key. */
export const VERSION1_KEY_PEM = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgMnvLoTqrC6U291jE
FYQlD+DFemjZ47iVMRsNgDxoMBGhRANCAAQycTR0m03gGlqjBRRsJY/OS6BO6wHV
2Q+7+CWAtGcptQEN/JgKW9gfJ9U9Myh4KqUQ2SNvtK62dFTX//RvLkAD
-----END PRIVATE KEY-----
`;
