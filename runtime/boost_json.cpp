// What of Boost.JSON is no template: its parser is used without the library being linked.
#include <boost/json/src.hpp>
