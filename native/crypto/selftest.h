// Known-answer tests at load: a kernel that fails one is disabled and says which.
#pragma once
#include <string>
#include <vector>

namespace sekisho {

// Runs every kernel over every suite it supports. Returns one sentence a failure; empty when all is well.
std::vector<std::string> run_selftest();

}  // namespace sekisho
