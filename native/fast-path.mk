# The fast path without sockets and Node, which native tests and benchmarks are made of, for the processor ARCH.
SOURCES := $(wildcard ../crypto/*.cc) ../io/tun.cc \
  ../path/packet.cc ../path/coalesce.cc ../path/encapsulate.cc ../path/decapsulate.cc ../path/transport.cc \
  ../path/loopback.cc
FLAGS := -std=c++20 -Wall -Wextra -D_GNU_SOURCE -DOPENSSL_SUPPRESS_DEPRECATED -MMD -MP
LIBS := -lcrypto -pthread
ifeq ($(ARCH),x86_64)
  FLAGS += -DSEKISHO_IPSEC_MB
  LIBS := -l:libIPSec_MB.a $(LIBS)
  SOURCES := $(filter-out ../crypto/armv8.cc,$(SOURCES))
else
  SOURCES := $(filter-out ../crypto/ipsec_mb.cc,$(SOURCES))
endif
