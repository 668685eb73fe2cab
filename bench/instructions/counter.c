// A plugin for QEMU: counts the instructions that the guest executes, in the first eight octets of a mapped file, which
// the guest can be given to read. `gcc -shared -fPIC -O2 -DAPI=... counter.c`; API is 1 for QEMU 7 and 8, 2 from 9 on.
// No package has the header, so what is used of it is declared here.
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

int qemu_plugin_version = API;
struct qemu_plugin_tb;
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t, void (*)(uint64_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, void (*)(unsigned, void *), int flags, void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);

static volatile uint64_t *count;

// One virtual CPU: nobody else adds.
static void executed(unsigned cpu, void *instructions) {
  (void)cpu;
  *count += (uintptr_t)instructions;
}

static void translated(uint64_t id, struct qemu_plugin_tb *block) {
  (void)id;
  qemu_plugin_register_vcpu_tb_exec_cb(block, executed, 0, (void *)qemu_plugin_tb_n_insns(block));
}

// Its argument: out=FILE, which is there and a page long at least.
int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv) {
  (void)info;
  const int file = argc == 1 && !strncmp(argv[0], "out=", 4) ? open(argv[0] + 4, O_RDWR) : -1;
  count = file < 0 ? MAP_FAILED : mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (count == MAP_FAILED) return 1;
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  return 0;
}
