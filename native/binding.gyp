{
  "targets": [
    {
      "target_name": "sekisho",
      "sources": [
        "crypto/suite.cc", "crypto/kernels.cc", "crypto/openssl.cc", "crypto/selftest.cc", "crypto/measure.cc",
        "io/tun.cc", "io/sockets.cc", "io/esp_sender.cc",
        "io/esp_port.cc", "io/xdp.cc", "io/packet_socket.cc", "io/ethernet.cc", "io/next_hop.cc",
        "path/packet.cc", "path/coalesce.cc", "path/encapsulate.cc", "path/decapsulate.cc", "path/transport.cc",
        "path/outbound.cc", "path/inbound.cc", "path/crew.cc", "path/ports.cc", "path/engine.cc", "path/loopback.cc",
        "x509/verify.cc", "napi/x509.cc", "napi/binding.cc"
      ],
      "include_dirs": ["<!@(node -p \"require('node-addon-api').include\")"],
      "defines": ["NAPI_VERSION=9", "NAPI_DISABLE_CPP_EXCEPTIONS", "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS", "OPENSSL_SUPPRESS_DEPRECATED", "_GNU_SOURCE"],
      "cflags_cc!": ["-std=gnu++17", "-fno-rtti"],
      "cflags_cc": ["-std=c++20", "-O3", "-Wall", "-Wextra", "-fvisibility=hidden", "-fno-exceptions"],
      "conditions": [
        ["target_arch=='x64'", {
          "sources": ["crypto/ipsec_mb.cc"],
          "defines": ["SEKISHO_IPSEC_MB"],
          "libraries": ["-l:libIPSec_MB.a"]
        }],
        ["target_arch=='arm64'", {"sources": ["crypto/armv8.cc"]}]
      ]
    }
  ]
}
