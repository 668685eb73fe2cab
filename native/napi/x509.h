// The certificate functions for JavaScript.
#pragma once
#include <napi.h>

namespace sekisho {

void export_x509(Napi::Env env, Napi::Object exports);

}  // namespace sekisho
