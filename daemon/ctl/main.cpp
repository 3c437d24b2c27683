#include "command_line.hpp"
#include "output.hpp"

int main(int argc, char** argv) {
    return grit::ctl::run(argc, argv, grit::ctl::standard_output());
}
