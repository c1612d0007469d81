# Writes the OpenAPI document into a source file, so that the program needs no files at run time.
file(READ ${INPUT} text)
file(WRITE ${OUTPUT} "#include \"orchestrator/api/private_listener.hpp\"\n\n"
     "std::string_view ordersaga::api::openapi_document() {\n    return R\"openapi(${text})openapi\";\n}\n")
